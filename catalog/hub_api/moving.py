"""Repos under another name, copies of repos, and large files for copies across repos."""

from __future__ import annotations

import re
from typing import Any, Final

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actions import moving
from catalog.actors import Actor
from catalog.errors import BadInput, BlobUnavailable, NameTaken
from catalog.hub_api import bodies, wire
from catalog.hub_api.repos import kind_of, visibility_of
from catalog.models import Blob, Repo, TreeEntry

MOST_FILES: Final = 1000  # per request; clients send fewer
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def move(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = actors.writer(actor)
    body = bodies.json_body(request)
    kind = kind_of(body)
    owner, name = _pair(body, "fromRepo")
    new_owner, new_name = _pair(body, "toRepo")
    repo = access.repo_to_administer(actor, kind, owner, name, follow=True)
    namespace = access.namespace_to_create_in(actor, new_owner)
    moved = moving.move_repo(repo=repo, namespace=namespace, name=new_name, actor=user)
    return JsonResponse({"url": wire.repo_url(request, moved), "name": moved.full_name})


def duplicate(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    source = access.repo_to_download(actor, kind, owner, name)
    actors.writer(actor)
    body = bodies.json_body(request)
    new_owner, new_name = _pair(body, "repository")
    namespace = access.namespace_to_create_in(actor, new_owner)
    try:
        copy = moving.duplicate_repo(
            source=source,
            namespace=namespace,
            name=new_name,
            visibility=visibility_of(body),
            actor=actors.writer(actor),
        )
    except NameTaken as problem:
        existing = access.repo_to_read(actor, kind, namespace.name, new_name)
        raise NameTaken(problem.message, url=wire.repo_url(request, existing)) from None
    return JsonResponse({"url": wire.repo_url(request, copy), "filesCopyPending": False})


def copy_files(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    """Entitle another repo to large files of this one, before a commit there names them.

    Each file is asked for by its path here; what some commit does not hold at that path counts as absent.
    """
    source = access.repo_to_download(actor, kind, owner, name)
    actors.writer(actor)
    body = bodies.json_body(request)
    target = body.get("target")
    if not isinstance(target, dict):
        raise BadInput(_("'target' must name a repo"))
    to_owner, to_name = _pair(target, "name")
    repo = access.repo_to_write(actor, kind_of(target), to_owner, to_name, follow=True)
    failed = []
    for path, sha256 in [_file(item) for item in bodies.list_field(body, "files", most=MOST_FILES)]:
        blob = _blob_at(source, path, sha256)
        try:
            if blob is None:
                raise BlobUnavailable(_("no large file with this hash is at this path"))
            moving.hold_for(repo, source, [blob])
        except BlobUnavailable as problem:
            failed.append({"sha256": sha256, "error": problem.message})
    return JsonResponse({"failed": failed} if failed else {})


def _blob_at(source: Repo, path: str, sha256: str) -> Blob | None:
    entries = TreeEntry.objects.filter(line__repo=source, path=path, is_lfs=True, blob__sha256=sha256)
    entry = entries.select_related("blob").first()
    return entry.blob if entry else None


def _file(item: Any) -> tuple[str, str]:  # noqa: ANN401  a JSON value
    if not isinstance(item, dict):
        raise BadInput(_("every file needs 'sha256' and 'filename'"))
    sha256 = bodies.text_field(item, "sha256")
    if not _SHA256.fullmatch(sha256):
        raise BadInput(_("'sha256' must be 64 lower-case hex digits"))
    return bodies.text_field(item, "filename"), sha256


def _pair(body: bodies.Json, field: str) -> tuple[str, str]:
    owner, slash, name = bodies.text_field(body, field).partition("/")
    if not (owner and slash and name) or "/" in name:
        raise BadInput(_("%(field)r must look like namespace/name") % {"field": field})
    return owner, name
