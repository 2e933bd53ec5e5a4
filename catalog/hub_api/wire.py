"""Small shapes that many answers share: instants, absolute addresses, next-page links, tree entries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog import links
from catalog.errors import InvalidCursor
from catalog.models import Commit, Namespace, Repo, TreeEntry
from catalog.parsing.git_objects import pointer_text

CURSOR_SALT = "hub-api.cursor"


def instant(moment: datetime) -> str:
    """Returns `2024-01-31T12:00:00.000Z`, the only spelling the clients read."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def repo_url(request: HttpRequest, repo: Repo) -> str:
    return links.origin(request) + repo.web_path


def namespace_id(namespace: Namespace) -> str:
    """Returns an id in the shape the Hub's clients know, 24 hex digits."""
    return f"{namespace.pk:024x}"


def with_next_page(request: HttpRequest, response: HttpResponse, cursor: str | None) -> HttpResponse:
    """Add the `Link` to the next page: absolute, with all filters, asked for as it stands."""
    if cursor is not None:
        query = request.GET.copy()
        query["cursor"] = cursor
        response["Link"] = f'<{links.origin(request)}{request.path}?{query.urlencode()}>; rel="next"'
    return response


def page(request: HttpRequest, items: list[dict[str, Any]], cursor: str | None) -> HttpResponse:
    return with_next_page(request, JsonResponse(items, safe=False), cursor)


def sealed_cursor(listing: list[str], last: str) -> str:
    """Returns a cursor that only fits the same listing."""
    return signing.dumps([*listing, last], salt=CURSOR_SALT, compress=True)


def opened_cursor(request: HttpRequest, listing: list[str]) -> str | None:
    """Returns where the last page ended. Raises `InvalidCursor`."""
    cursor = request.GET.get("cursor")
    if not cursor:
        return None
    try:
        *made_for, last = signing.loads(cursor, salt=CURSOR_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidCursor from None
    if made_for != listing:
        raise InvalidCursor
    return str(last)


def tree_item(entry: TreeEntry, *, expand: bool = False) -> dict[str, Any]:
    """Returns one entry as tree and paths-info list it; `xetHash` only where plain HTTP will not do."""
    item: dict[str, Any] = {
        "type": "directory" if entry.is_folder else "file",
        "oid": entry.oid,
        "size": 0 if entry.is_folder else entry.size,
        "path": entry.path,
    }
    if entry.is_lfs:
        item["lfs"] = lfs_item(entry)
        if (name := xet_hash(entry)) is not None:
            item["xetHash"] = name
    if expand:
        item["lastCommit"] = last_commit(entry.changed_in)
    return item


def xet_hash(entry: TreeEntry) -> str | None:
    """Returns the name under which clients read this file through Xet; None where plain HTTP serves it."""
    return entry.etag if entry.is_lfs and entry.size > settings.XET_READS_ABOVE_BYTES else None


def lfs_item(entry: TreeEntry) -> dict[str, Any]:
    return {"oid": entry.etag, "size": entry.size, "pointerSize": len(pointer_text(entry.etag, entry.size))}


def last_commit(commit: Commit) -> dict[str, str]:
    return {"id": commit.oid, "title": commit.title, "date": instant(commit.committed_at)}
