"""A whole revision as one tar, made while it is sent: memory stays flat however large the files are."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from catalog import access, actors
from catalog.actions import downloads
from catalog.errors import BlobUnavailable
from catalog.models import Blob, Commit, Repo, TreeEntry
from catalog.parsing import formats
from catalog.parsing.paths import check_mirrored_path
from catalog.queries import trees
from catalog.raw_headers import SAFE_HEADERS
from catalog.rest_api.v1.base import REPO_PATH, ApiView, actor_of
from catalog.stores import blob_store

CHUNK_BYTES: Final = 1024 * 1024
ENTRIES_PER_QUERY: Final = 500
TAR: Final = "application/x-tar"
_REGULAR: Final = (TreeEntry.MODE_FILE, TreeEntry.MODE_EXECUTABLE)


class ArchiveView(ApiView):
    """All files of one revision."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(
        parameters=[
            *REPO_PATH,
            OpenApiParameter("revision", str, OpenApiParameter.PATH, description="Branch, tag or commit."),
        ],
        responses={(200, TAR): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, owner: str, name: str, revision: str) -> HttpResponseBase:
        """All files of one revision in a tar, below one folder. Symbolic links are left out."""
        actor = actor_of(request)
        repo = access.repo_to_download(actor, self.kind, owner, name)
        commit = trees.resolve_revision(repo, revision)
        headers = _headers(repo, commit)
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return HttpResponse(status=304, headers=headers)
        _check_complete(commit)
        if request.method == "HEAD":
            return HttpResponse(headers=headers, content_type=TAR)
        _note_download(repo, commit, actor)
        return StreamingHttpResponse(tar_of(repo, commit), headers=headers, content_type=TAR)


def tar_of(repo: Repo, commit: Commit) -> Iterator[bytes]:
    """Yields a tar of the regular files of a commit. Breaks off, rather than lie, when bytes are missing."""
    for entry in _files(commit):
        yield from _member(entry, repo, commit)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(entry: TreeEntry, repo: Repo, commit: Commit) -> Iterator[bytes]:
    if entry.blob is None:
        raise BlobUnavailable(_("%(path)s has no content") % {"path": entry.path})
    check_mirrored_path(entry.path)
    header = tarfile.TarInfo(f"{repo.name}-{commit.oid[:7]}/{entry.path}")
    header.size = entry.blob.size
    header.mode = 0o755 if entry.mode == TreeEntry.MODE_EXECUTABLE else 0o644
    header.mtime = int(commit.committed_at.timestamp())
    yield header.tobuf(tarfile.PAX_FORMAT, "utf-8")
    missing = header.size
    with blob_store().open(entry.blob.sha256) as content:
        while missing and (chunk := content.read(min(CHUNK_BYTES, missing))):
            missing -= len(chunk)
            yield chunk
    if missing:
        raise BlobUnavailable(_("%(path)s is shorter than it was") % {"path": entry.path})
    yield bytes(-header.size % tarfile.BLOCKSIZE)


def _files(commit: Commit) -> Iterator[TreeEntry]:
    regular = trees.entries_in(commit).filter(mode__in=_REGULAR).order_by("path")
    page = list(regular[:ENTRIES_PER_QUERY])
    while page:
        yield from page
        page = list(regular.filter(path__gt=page[-1].path)[:ENTRIES_PER_QUERY])


def _check_complete(commit: Commit) -> None:
    """Refuse before the first byte: an answer that has begun can only break off."""
    files = trees.entries_in(commit).filter(mode__in=_REGULAR)
    if files.exclude(blob__state=Blob.State.LIVE).exists():
        raise BlobUnavailable


def _note_download(repo: Repo, commit: Commit, actor: actors.Actor) -> None:
    """One download, by its weights if it has any."""
    weights = (entry for entry in _files(commit) if formats.is_weights(entry.path))
    entry = next(weights, None) or next(_files(commit), None)
    if entry is not None:
        downloads.note_download(repo=repo, actor=actor.user, entry=entry)


def _headers(repo: Repo, commit: Commit) -> dict[str, str]:
    return {
        **SAFE_HEADERS,
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{commit.oid}.tar"',
        "Cache-Control": "private, no-store" if repo.is_private else "no-cache",
        "Content-Disposition": f'attachment; filename="{repo.name}-{commit.oid[:7]}.tar"',
    }
