"""Which files a revision holds, and how it came to be: tree, paths-info, commits, refs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.html import escape
from django.utils.translation import gettext as _

from catalog import access
from catalog.actors import Actor
from catalog.errors import BadInput, InvalidCursor, RevisionNotFound, TooLarge
from catalog.hub_api import bodies, wire
from catalog.models import Commit, Ref, TreeEntry
from catalog.queries import trees

TREE_PAGE, EXPANDED_TREE_PAGE = 1000, 100
# For clients that follow no `Link`. Source: llama.cpp 2026, which asks for `?recursive=true` and nothing else;
# huggingface_hub always sends `expand`, too.
WHOLE_TREE = 20_000
COMMITS_PAGE = 100
MOST_PATHS = 10_000  # per paths-info request


def tree(
    request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str, path: str = ""
) -> HttpResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    commit = trees.resolve_revision(repo, revision)
    folder = path.strip("/")
    recursive, expand = bodies.flag(request, "recursive"), bodies.flag(request, "expand")
    listing = [str(repo.pk), commit.oid, folder, str(recursive)]
    size = WHOLE_TREE if [*request.GET] == ["recursive"] else EXPANDED_TREE_PAGE if expand else TREE_PAGE
    entries = trees.entries_of(
        commit,
        folder=folder,
        recursive=recursive,
        after=wire.opened_cursor(request, listing) or "",
        limit=size + 1,
        with_changes=expand,
    )
    shown = entries[:size]
    cursor = wire.sealed_cursor(listing, shown[-1].path) if len(entries) > size else None
    return wire.page(request, [wire.tree_item(entry, expand=expand) for entry in shown], cursor)


def paths_info(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> JsonResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    commit = trees.resolve_revision(repo, revision)
    body = bodies.form_or_json(request)
    paths = _paths(body.get("paths", []))
    expand = str(_single(body.get("expand", False))).lower() in ("true", "1")
    entries = trees.entries_at(commit, paths)
    return JsonResponse([_copyable(wire.tree_item(entry, expand=expand), entry) for entry in entries], safe=False)


def _copyable(item: dict[str, Any], entry: TreeEntry) -> dict[str, Any]:
    """A large file with a name to copy it by: clients refuse to copy it to another repo without one.

    It is no well-formed Xet hash on purpose: whoever downloads goes on by plain HTTP.
    """
    return item | ({"xetHash": f"sha256:{entry.etag}"} if entry.is_lfs else {})


def commits(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str) -> HttpResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    start = trees.resolve_revision(repo, revision)
    listing = [str(repo.pk), "commits"]
    last = wire.opened_cursor(request, listing)
    after = None
    if last is not None:
        try:
            after = trees.resolve_revision(repo, last)
        except RevisionNotFound:
            raise InvalidCursor from None
    found = trees.history(start, after=after, limit=COMMITS_PAGE + 1)
    shown = found[:COMMITS_PAGE]
    cursor = wire.sealed_cursor(listing, shown[-1].oid) if len(found) > COMMITS_PAGE else None
    formatted = "formatted" in bodies.words(request, "expand")
    return wire.page(request, [_commit(commit, formatted=formatted) for commit in shown], cursor)


def refs(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    found = trees.refs_of(repo)
    answer: dict[str, list[dict[str, str]]] = {
        "branches": [_ref(ref) for ref in found if ref.kind == Ref.Kind.BRANCH],
        "converts": [],
        "tags": [_ref(ref) for ref in found if ref.kind == Ref.Kind.TAG],
    }
    if bodies.flag(request, "include_prs"):
        answer["pullRequests"] = [_ref(ref) for ref in trees.pull_request_refs_of(repo)]
    return JsonResponse(answer)


def _commit(commit: Commit, *, formatted: bool) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "date": wire.instant(commit.committed_at),
        "authors": [{"user": commit.author.username if commit.author else commit.author_name}],
    }
    if formatted:
        item["formatted"] = {"title": escape(commit.title), "message": escape(commit.message)}
    return item


def _ref(ref: Ref) -> dict[str, str]:
    return {"name": ref.name, "ref": ref.full_ref, "targetCommit": ref.commit.oid}


def _paths(value: object) -> list[str]:
    paths = [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise BadInput(_("'paths' must be a list of strings"))
    if len(paths) > MOST_PATHS:
        raise TooLarge(_("at most %(most_paths)s paths per request") % {"most_paths": MOST_PATHS})
    return [bodies.storable(path, "paths").strip("/") for path in paths]


def _single(value: object) -> object:
    """A form repeats every field; JSON does not."""
    return value[-1] if isinstance(value, list) and value else value
