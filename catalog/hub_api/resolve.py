"""HEAD and GET of one file: `/{id}/resolve/{revision}/{path}` and `/{id}/raw/…`."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import access
from catalog.actions import downloads
from catalog.actors import Actor
from catalog.errors import BlobUnavailable, EntryNotFound
from catalog.hub_api import xet_reading
from catalog.hub_api.serving import Content, content_response, small_response
from catalog.models import Blob, Commit, Repo, TreeEntry
from catalog.parsing.git_objects import pointer_text
from catalog.queries import found_files, trees


def resolve(
    request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str, path: str
) -> HttpResponseBase:
    """The file itself, for LFS files the large one."""
    repo, commit, entry = _found(actor, kind=kind, owner=owner, name=name, revision=revision, path=path)
    headers = {"X-Repo-Commit": commit.oid}
    if entry.is_lfs:
        headers |= {"X-Linked-Etag": f'"{entry.etag}"', "X-Linked-Size": str(entry.size)}
        headers |= xet_reading.xet_headers(request, repo, commit, entry)
    response = content_response(request, _content(repo, entry), headers)
    if request.method == "GET" and _is_first_part(response):
        downloads.note_download(repo=repo, actor=actor.user, entry=entry)
    return response


def raw(
    request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str, revision: str, path: str
) -> HttpResponseBase:
    """The file as git has it: for LFS files the pointer."""
    repo, commit, entry = _found(actor, kind=kind, owner=owner, name=name, revision=revision, path=path)
    headers = {"X-Repo-Commit": commit.oid}
    if not entry.is_lfs:
        return content_response(request, _content(repo, entry), headers)
    pointer = pointer_text(entry.etag, entry.size)
    content = Content("", len(pointer), entry.oid, entry.path, repo.is_private)
    return small_response(request, pointer, content, headers)


def _found(
    actor: Actor, *, kind: str, owner: str, name: str, revision: str, path: str
) -> tuple[Repo, Commit, TreeEntry]:
    found = found_files.find_file(actor.user, kind, owner, name, revision=revision, path=path)
    if found is not None:
        repo, commit, entry = found
        access.check_files(actor, repo)
        trees.name_removed(commit, [entry])
        return found
    repo = access.repo_to_download(actor, kind, owner, name)
    commit = trees.resolve_revision(repo, revision)
    return repo, commit, trees.file_at(commit, path)


def _content(repo: Repo, entry: TreeEntry) -> Content:
    if entry.removed_sha256:  # not said of a commit: clients must not remember the absence, the file may come back
        raise EntryNotFound(_("This file was deleted for good; only its pointer is left."), path=entry.path)
    if entry.blob is None or entry.blob.state == Blob.State.CORRUPT:
        raise BlobUnavailable
    return Content(entry.blob.sha256, entry.size, entry.etag, entry.path, repo.is_private)


def _is_first_part(response: HttpResponseBase) -> bool:
    """Whether this answer begins a download; further ranges of the same file are not another one."""
    return response.status_code in (200, 302) or response.get("Content-Range", "").startswith("bytes 0-")
