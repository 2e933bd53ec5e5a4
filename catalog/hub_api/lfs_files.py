"""Large files by content: what a repo's whole history holds, and its deletion for good."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actions.history import removal
from catalog.actors import Actor
from catalog.errors import BadInput, InvalidCursor
from catalog.hub_api import bodies, keyset, wire
from catalog.queries import large_files
from catalog.queries.large_files import LargeFile

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def listed(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> HttpResponse:
    """Newest first; who may read the repo may see what it holds."""
    repo = access.repo_to_read(actor, kind, owner, name)
    size, listing = keyset.page_size(request), [str(repo.pk), "lfs-files"]
    last = wire.opened_cursor(request, listing)
    rows = large_files.held_by(repo).order_by("-pk")
    if last is not None:
        if not last.isdigit():
            raise InvalidCursor
        rows = rows.filter(pk__lt=int(last))
    found = list(rows[: size + 1])
    shown = found[:size]
    cursor = wire.sealed_cursor(listing, str(shown[-1].pk)) if len(found) > size else None
    return wire.page(request, [_item(file) for file in large_files.described(repo, shown)], cursor)


def delete(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    """`{"deletions": {"sha": [ids of the list], "rewriteHistory": bool}}`."""
    repo = access.repo_to_write(actor, kind, owner, name)
    asked = bodies.json_body(request).get("deletions")
    if not isinstance(asked, dict):
        raise BadInput(_("%(name)r must be an object") % {"name": "deletions"})
    sha256s = [_sha256(value) for value in bodies.list_field(asked, "sha", most=removal.MOST_FILES)]
    rewrite = asked.get("rewriteHistory", True)  # as the client's own default
    if not isinstance(rewrite, bool):
        raise BadInput(_("%(name)r must be true or false") % {"name": "rewriteHistory"})
    if sha256s:
        removal.remove_files(repo=repo, sha256s=sha256s, rewrite_history=rewrite, actor=actors.writer(actor))
    return JsonResponse({"success": True})


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise BadInput(_("%(name)r must be a list of SHA-256 hashes, 64 hexadecimal digits each") % {"name": "sha"})
    return value


def _item(file: LargeFile) -> dict[str, Any]:
    item = {
        "fileOid": file.sha256,
        "filename": file.path,
        "oid": file.sha256,
        "pushedAt": wire.instant(file.committed_at),
        "size": file.size,
    }
    return item | ({"ref": file.ref} if file.ref else {})
