"""What a repo is, as `model_info` and `dataset_info` read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, links
from catalog.actors import Actor
from catalog.errors import BadInput
from catalog.hub_api import bodies, extra_fields, wire
from catalog.models import Commit, Repo, RepoFacts, TreeEntry
from catalog.queries import trees
from catalog.queries.measured_results import NOTHING, MeasuredResults, measured_results

# Keys the clients pass on as keyword arguments beside their own, so a card may not use them.
RESERVED_CARD_KEYS = frozenset({"self", "ignore_metadata_errors"})
ROWS_AT_A_TIME = 2000


@dataclass(frozen=True)
class View:
    """One repo at one commit, and what of it is asked for."""

    repo: Repo
    commit: Commit | None  # None: a mirror that holds nothing yet
    files: Iterable[TreeEntry] = ()  # read once
    with_blobs: bool = False
    used_bytes: int | None = None  # None: not worked out yet
    measured: MeasuredResults = NOTHING  # looked up where a field that carries results is asked for by name

    @property
    def facts(self) -> RepoFacts | None:
        return getattr(self.repo, "facts", None)

    @property
    def file_facts(self) -> RepoFacts | None:
        """Facts read from files; they describe the head of the default branch alone."""
        facts = self.facts
        if facts is None or self.commit is None or facts.commit_id != self.commit.pk:
            return None
        return facts


MISSING = object()  # the field stays out of the answer
Field = Callable[[View], Any]


def info(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str = "") -> JsonResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    commit = trees.resolve_revision(repo, revision) if revision else trees.head_of(repo)
    asked = asked_fields(request, kind)
    fields = [one for one in FIELDS[kind] if one not in ONLY_WHEN_ASKED] if asked is None else asked
    with_blobs = bodies.flag(request, "blobs")
    view = View(
        repo=repo,
        commit=commit,
        files=all_files(commit, with_blobs=with_blobs) if commit and "siblings" in fields else (),
        with_blobs=with_blobs,
        measured=results_of(request, [repo], asked or []).get(repo.pk, NOTHING),
    )
    answer = described(view, fields)
    if bodies.flag(request, "securityStatus"):
        answer["securityRepoStatus"] = {"scansDone": False, "filesWithIssues": []}
    return JsonResponse(answer)


def asked_fields(request: HttpRequest, kind: str) -> list[str] | None:
    """Returns the names in `expand`, None when there are none. Raises `BadInput` for an unknown one."""
    asked = bodies.words(request, "expand")
    unknown = [name for name in asked if name not in FIELDS[kind] and name not in NOT_KEPT[kind]]
    if unknown:
        names = "|".join(f'"{name}"' for name in sorted({*FIELDS[kind], *NOT_KEPT[kind]}.difference(UNLISTED[kind])))
        raise BadInput(_('"expand": Invalid option: expected one of %(names)s') % {"names": names})
    return [name for name in asked if name in FIELDS[kind]] if asked else None


def results_of(request: HttpRequest, repos: Sequence[Repo], asked: Sequence[str]) -> dict[int, MeasuredResults]:
    """What was measured here, for whoever asks for results by name; all other answers cost no query for it."""
    if RESULT_FIELDS.isdisjoint(asked):
        return {}
    return measured_results(repos, links.origin(request))


def described(view: View, fields: Sequence[str]) -> dict[str, Any]:
    """Returns `_id`, `id` and these fields, as far as we know them."""
    answer: dict[str, Any] = {"_id": view.repo.public_id, "id": view.repo.full_name}
    known = FIELDS[view.repo.kind]
    for name in fields:
        value = known[name](view)
        if value is not MISSING:
            answer[name] = value
    return answer


def all_files(commit: Commit, *, with_blobs: bool) -> Iterator[TreeEntry]:
    """Yields every file of a commit in the order of paths: a hundred thousand rows at once would be 200 MB."""
    found = trees.entries_in(commit) if with_blobs else TreeEntry.objects.at(commit).only("path")
    files = found.files().order_by("path")
    page = list(files[:ROWS_AT_A_TIME])  # most repos are no longer, and need no cursor on the server
    yield from page
    if len(page) == ROWS_AT_A_TIME:
        yield from files.filter(path__gt=page[-1].path).iterator(ROWS_AT_A_TIME)


def _sibling(entry: TreeEntry, *, with_blobs: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"rfilename": entry.path}
    if with_blobs:
        item |= {"size": entry.size, "blobId": entry.oid}
        if entry.is_lfs:
            item["lfs"] = {
                "sha256": entry.etag,
                "size": entry.size,
                "pointerSize": wire.lfs_item(entry)["pointerSize"],
            }
    return item


def _siblings(view: View) -> list[dict[str, Any]]:
    return [_sibling(entry, with_blobs=view.with_blobs) for entry in view.files]


def _from_facts(read: Callable[[RepoFacts], Any]) -> Field:
    """A field that lists sort or filter by; it belongs to the repo, whatever the revision."""

    def value(view: View) -> Any:  # noqa: ANN401  a JSON value
        return read(view.facts) if view.facts is not None else MISSING

    return value


def _from_files(read: Callable[[RepoFacts], Any]) -> Field:
    """A field read from the files of the head; for other revisions we say nothing."""

    def value(view: View) -> Any:  # noqa: ANN401  a JSON value
        found = read(view.file_facts) if view.file_facts is not None else None
        return found or MISSING

    return value


def _card_data(facts: RepoFacts) -> dict[str, Any] | None:
    """Returns the front matter without what would make the clients' own parsing fail."""
    if not isinstance(facts.card_data, dict):
        return None
    kept = {str(key): value for key, value in facts.card_data.items() if key not in RESERVED_CARD_KEYS}
    if not isinstance(kept.get("tags", []), str | list | None):
        del kept["tags"]
    if not isinstance(kept.get("model-index", []), list):
        del kept["model-index"]
    return kept


def _model_index(facts: RepoFacts) -> list[Any] | None:
    found = (facts.card_data or {}).get("model-index")
    return found if isinstance(found, list) else None


def _model_index_and_ours(view: View) -> list[Any] | object:
    """The card's own entries, then what was measured here on the head; each of ours is marked `verified`."""
    if view.file_facts is None:
        return MISSING
    ours = view.measured.model_index
    found = [*(_model_index(view.file_facts) or []), *([{"name": view.repo.name, **ours}] if ours else [])]
    return found or MISSING


def _eval_results_and_ours(view: View) -> list[Any] | object:
    if view.file_facts is None:
        return MISSING
    return [*view.file_facts.eval_results, *view.measured.eval_results] or MISSING


def _safetensors(facts: RepoFacts) -> dict[str, Any] | None:
    if facts.parameters is None or not facts.parameters_by_dtype:
        return None
    return {"parameters": facts.parameters_by_dtype, "total": facts.parameters}


def _base_models(facts: RepoFacts) -> dict[str, Any] | None:
    if not facts.base_models:
        return None
    return {"relation": facts.base_relation, "models": [{"id": name} for name in facts.base_models]}


def _papers_id(facts: RepoFacts) -> str | None:
    found = (facts.card_data or {}).get("paperswithcode_id")
    return found if isinstance(found, str) else None


def _used(view: View) -> int:
    return view.used_bytes if view.used_bytes is not None else extra_fields.used_storage([view.repo])[view.repo.pk]


def _sdk(view: View) -> str:
    """What its card says, else what it was created with."""
    card = (view.file_facts.card_data if view.file_facts else None) or {}
    said = card.get("sdk")
    return said if isinstance(said, str) and said else view.repo.sdk


def _card_words(facts: RepoFacts, key: str) -> list[str]:
    """A list of names in the front matter."""
    found = (facts.card_data or {}).get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


_COMMON: dict[str, Field] = {
    "author": lambda view: view.repo.namespace.name,
    "sha": lambda view: view.commit.oid if view.commit else MISSING,
    "lastModified": lambda view: wire.instant(view.facts.updated_at if view.facts else view.repo.created_at),
    "createdAt": lambda view: wire.instant(view.repo.created_at),
    "private": lambda view: view.repo.is_private,
    "gated": lambda view: view.repo.gate or False,
    "disabled": lambda _view: False,
    "likes": _from_facts(lambda facts: facts.likes),
    "downloads": _from_facts(lambda facts: facts.downloads),
    "downloadsAllTime": _from_facts(lambda facts: facts.downloads_all_time),
    "trendingScore": _from_facts(lambda facts: facts.downloads),  # of 30 days: what lists sort by under this name
    "usedStorage": _used,
    "resourceGroup": lambda _view: None,  # there are none here
    "tags": _from_facts(lambda facts: list(facts.tags)),
    "cardData": _from_files(_card_data),
    "siblings": _siblings,
    "xetEnabled": lambda _view: True,  # asked by huggingface_hub 0.36 before it sends a large folder
}
FIELDS: dict[str, dict[str, Field]] = {
    Repo.Kind.MODEL: {
        **_COMMON,
        "modelId": lambda view: view.repo.full_name,
        "pipeline_tag": _from_facts(lambda facts: facts.task or MISSING),
        "library_name": _from_facts(lambda facts: facts.library or MISSING),
        "config": _from_files(lambda facts: facts.config),
        "safetensors": _from_files(_safetensors),
        "model-index": _model_index_and_ours,
        "baseModels": _from_files(_base_models),
        "childrenModelCount": lambda view: extra_fields.children_count(view.repo),
        "spaces": lambda view: extra_fields.spaces_of(view.repo),
        "gguf": _from_files(lambda facts: facts.gguf),
        "transformersInfo": _from_files(extra_fields.transformers_info),
        "evalResults": _eval_results_and_ours,
        "mask_token": _from_files(lambda facts: extra_fields.from_card(facts, "mask_token")),
        "widgetData": _from_files(lambda facts: extra_fields.from_card(facts, "widget")),
        "inference": lambda _view: None,  # nothing is served here
        "inferenceProviderMapping": lambda _view: {},
    },
    Repo.Kind.DATASET: {
        **_COMMON,
        "description": _from_facts(lambda facts: facts.summary or MISSING),
        "paperswithcode_id": _from_files(_papers_id),
        "citation": _from_files(lambda facts: extra_fields.from_card(facts, "citation")),
        "mainSize": _from_files(lambda facts: facts.total_bytes),
    },
    Repo.Kind.SPACE: {
        **_COMMON,
        "sdk": lambda view: _sdk(view) or MISSING,
        "models": _from_files(lambda facts: _card_words(facts, "models")),
        "datasets": _from_files(lambda facts: _card_words(facts, "datasets")),
    },
}
ONLY_WHEN_ASKED = frozenset(
    {
        *("downloadsAllTime", "baseModels", "trendingScore", "usedStorage", "resourceGroup", "childrenModelCount"),
        *("spaces", "evalResults", "mask_token", "inference", "inferenceProviderMapping", "citation", "mainSize"),
    }
)
RESULT_FIELDS = frozenset({"evalResults", "model-index"})
# Answered when asked for, yet on no list of what clients may ask for.
UNLISTED: dict[str, tuple[str, ...]] = {
    Repo.Kind.MODEL: ("modelId",),
    Repo.Kind.DATASET: (),
    Repo.Kind.SPACE: ("gated", "downloads", "downloadsAllTime"),
}
# Legal in `expand`, yet about things this server does not have: they stay out of the answer.
NOT_KEPT: dict[str, tuple[str, ...]] = {
    Repo.Kind.MODEL: (),
    Repo.Kind.DATASET: (),
    Repo.Kind.SPACE: ("region", "runtime", "subdomain"),  # nothing runs here
}
