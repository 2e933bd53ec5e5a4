"""`list_models` and `list_datasets`: the same search as everywhere, in the Hub's words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from catalog.actors import Actor
from catalog.errors import BadInput, NotServed
from catalog.hub_api import bodies, extra_fields, wire
from catalog.hub_api.info import View, asked_fields, described, results_of
from catalog.models import Commit, Repo, RepoFacts, TreeEntry
from catalog.queries.measured_results import NOTHING
from catalog.queries.paging import LARGEST_PAGE
from catalog.queries.search import find_repos
from catalog.queries.search_request import SearchRequest, parameter_range

SORTS: Final = {
    "": "",
    "lastModified": "updated",
    "createdAt": "created",
    "downloads": "downloads",
    "trendingScore": "downloads",  # of the last 30 days, the nearest to a trend that we measure
    "likes": "likes",
}
USUAL: Final = {
    Repo.Kind.MODEL: (
        "modelId", "likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt",
    ),
    Repo.Kind.DATASET: (
        "author", "sha", "lastModified", "private", "gated", "disabled", "likes", "downloads", "tags", "description",
        "createdAt",
    ),
    Repo.Kind.SPACE: ("author", "sha", "lastModified", "private", "likes", "sdk", "tags", "createdAt"),
}  # fmt: skip
FULL: Final = ("author", "sha", "lastModified", "gated", "disabled", "siblings")
# Of the card and the configuration; lists leave these columns in the database unless they are asked for.
CARD_FIELDS: Final = frozenset(
    {
        *("cardData", "config", "model-index", "paperswithcode_id", "transformersInfo", "widgetData", "mask_token"),
        *("citation", "sdk", "models", "datasets"),
    }
)


def repos(request: HttpRequest, actor: Actor, kind: str) -> HttpResponse:
    fields = _fields(request, kind)
    if request.GET.get("inference") or request.GET.get("inference_provider"):
        return wire.page(request, [], None)  # nothing is served for inference here
    found = find_repos(_asked(request, kind), user=actor.user, with_card=not CARD_FIELDS.isdisjoint(fields))
    files = _files_of(found.items) if "siblings" in fields else {}
    used = extra_fields.used_storage([facts.repo for facts in found.items]) if "usedStorage" in fields else {}
    measured = results_of(request, [facts.repo for facts in found.items], asked_fields(request, kind) or [])
    views = [
        View(
            facts.repo,
            facts.commit,
            files.get(facts.commit_id or 0, ()),
            used_bytes=used.get(facts.repo.pk),
            measured=measured.get(facts.repo.pk, NOTHING),
        )
        for facts in found.items
    ]
    items = [described(view, fields) for view in views]
    return wire.page(request, items, found.next_cursor)


def _asked(request: HttpRequest, kind: str) -> SearchRequest:
    query = request.GET
    if query.get("direction", "-1") != "-1":
        raise BadInput(_("lists are always in descending order"))
    if query.get("apps"):
        raise NotServed(_("this server does not know which apps run a model"))
    sort = query.get("sort", "")
    if sort not in SORTS:
        raise BadInput(_('"sort" must be one of [%(names)s]') % {"names": ", ".join(name for name in SORTS if name)})
    least, most = parameter_range(query.get("num_parameters", ""))
    return SearchRequest(
        kind=kind,
        text=" ".join(bodies.words(request, "search")),
        in_ids_only=True,
        author=query.get("author", ""),
        tags=tuple(sorted({*bodies.words(request, "filter"), *bodies.words(request, "tags")})),
        task=tuple(bodies.words(request, "pipeline_tag")),
        library=tuple(bodies.words(request, "library")),
        languages=tuple(bodies.words(request, "language")),
        parameters_min=least,
        parameters_max=most,
        gated=bodies.flag(request, "gated") if "gated" in query else None,
        used_models=tuple(bodies.words(request, "models")) if kind == Repo.Kind.SPACE else (),
        used_datasets=tuple(bodies.words(request, "datasets")) if kind == Repo.Kind.SPACE else (),
        sort=SORTS[sort],
        limit=_limit(query.get("limit", "")),
        cursor=query.get("cursor", ""),
    )


def _limit(text: str) -> int:
    if not text:
        return LARGEST_PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadInput(_('"limit" must be a number'))
    return min(max(int(text), 1), LARGEST_PAGE)


def _fields(request: HttpRequest, kind: str) -> list[str]:
    asked = asked_fields(request, kind)
    if asked is not None:
        return asked
    fields = [*USUAL[Repo.Kind(kind)]]
    if bodies.flag(request, "full"):
        fields += FULL
        fields += ["cardData"] if kind != Repo.Kind.MODEL else []
    if kind == Repo.Kind.SPACE and any(request.GET.get(name) for name in ("full", "linked", "models", "datasets")):
        fields += ["models", "datasets"]
    if request.GET.get("sort") == "trendingScore":
        fields.append("trendingScore")
    if bodies.flag(request, "config") and kind == Repo.Kind.MODEL:
        fields.append("config")
    if bodies.flag(request, "cardData"):
        fields.append("cardData")
    return list(dict.fromkeys(fields))


def _files_of(found: Iterable[RepoFacts]) -> dict[int, list[TreeEntry]]:
    """Returns the files of these heads by commit, read in one query."""
    heads = {facts.commit.line_id: facts.commit for facts in found if facts.commit}
    if not heads:
        return {}
    entries = TreeEntry.objects.files().filter(reduce(or_, map(_held_by, heads.values())))
    by_commit: dict[int, list[TreeEntry]] = defaultdict(list)
    for entry in entries.order_by("path").only("path", "line_id"):
        by_commit[heads[entry.line_id].pk].append(entry)
    return by_commit


def _held_by(commit: Commit) -> Q:
    return Q(line_id=commit.line_id, first_seq__lte=commit.seq) & (Q(last_seq=None) | Q(last_seq__gt=commit.seq))
