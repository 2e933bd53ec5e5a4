"""LFS: batch and verify; downloads for git-lfs."""

from __future__ import annotations

import re
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import access, actors, discussion_access, links
from catalog.actions.incoming import upload_parts, uploads
from catalog.actors import ANONYMOUS, Actor
from catalog.errors import BadInput, BlobUnavailable, NotAllowed, NotFound, SizeMismatch, TooLarge
from catalog.hub_api import bodies, lfs_uploads
from catalog.hub_api.lfs_uploads import MEDIA_TYPE
from catalog.hub_api.serving import SIGNED_URL_SECONDS, Content, content_response
from catalog.models import AccessToken, Blob, Repo, TreeEntry, User

MOST_OBJECTS: Final = 1000  # per batch; clients send 256
MOST_PARTS: Final = 50_000  # per batch
LARGEST_NUMBER: Final = 2**53  # that JSON carries safely
_DOWNLOAD_SALT: Final = "hub-api.lfs-download"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def batch(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    body = bodies.json_body(request)
    operation, in_parts = bodies.text_field(body, "operation"), False
    if body.get("hash_algo", "sha256") != "sha256":
        raise BadInput(_("only sha256 is supported"))
    objects = [_oid_and_size(item) for item in bodies.list_field(body, "objects", most=MOST_OBJECTS)]
    if operation == "upload":
        into = discussion_access.repo_to_upload_to(actor, kind, owner, name)
        in_parts = _wants_parts(body, objects)
        answers = _to_upload(request, actor, into, objects, in_parts=in_parts)
    elif operation == "download":
        access.check_files(actor, repo)
        answers = _to_download(request, actor, repo, objects)
    else:
        raise BadInput(_("'operation' must be upload or download"))
    transfer = "multipart" if in_parts else "basic"
    return JsonResponse({"transfer": transfer, "objects": answers, "hash_algo": "sha256"}, content_type=MEDIA_TYPE)


def verify(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> HttpResponse:
    repo = discussion_access.repo_to_upload_to(actor, kind, owner, name)
    oid, size = _oid_and_size(bodies.json_body(request))
    held = uploads.held_by(repo, [oid]).get(oid)
    if held is None:
        raise NotFound(_("the object %(oid)s is not here") % {"oid": oid})
    if held != size:
        raise SizeMismatch(
            _("the object %(oid)s has %(held)s bytes, not %(size)s") % {"oid": oid, "held": held, "size": size}
        )
    return JsonResponse({}, content_type=MEDIA_TYPE)


def send(request: HttpRequest, actor: Actor, token: str) -> HttpResponseBase:
    """GET of one object for git-lfs, by an address made for one reader and asked again for the right."""
    kind, owner, name, oid, user_id, token_id = _opened_download(token)
    repo = access.repo_to_download(_reader(user_id, token_id), kind, owner, name, follow=True)
    sizes = _committed(repo, [oid])
    if oid not in sizes:
        raise NotFound(_("the object %(oid)s is not here") % {"oid": oid})
    if Blob.objects.filter(sha256=oid, state=Blob.State.CORRUPT).exists():
        raise BlobUnavailable
    return content_response(request, Content(oid, sizes[oid], oid, oid, repo.is_private), {})


def _to_upload(
    request: HttpRequest, actor: Actor, repo: Repo, objects: list[tuple[str, int]], *, in_parts: bool
) -> list[dict[str, Any]]:
    user = actors.writer(actor)
    held = uploads.held_by(repo, [oid for oid, _ in objects])
    missing = {oid: size for oid, size in objects if held.get(oid) != size}
    opened = uploads.open_uploads(repo=repo, actor=user, sizes=missing)
    answers = []
    for oid, size in objects:
        answer: dict[str, Any] = {"oid": oid, "size": size}
        if oid in opened:
            answer["actions"] = lfs_uploads.actions(request, actor, repo, opened[oid], in_parts=in_parts)
        answers.append(answer)
    return answers


def _wants_parts(body: bodies.Json, objects: list[tuple[str, int]]) -> bool:
    """Whether this batch goes in parts: all of it, since an agent of git-lfs is chosen for the whole."""
    offered = body.get("transfers")
    is_large = any(size > settings.LFS_MULTIPART_ABOVE_BYTES for _oid, size in objects)
    if not (is_large and isinstance(offered, list) and "multipart" in offered):
        return False
    if sum(upload_parts.part_count(size) for _oid, size in objects) > MOST_PARTS:
        raise TooLarge(
            _("a batch may have at most %(most_parts)s parts; name fewer files at once") % {"most_parts": MOST_PARTS}
        )
    return True


def _to_download(
    request: HttpRequest, actor: Actor, repo: Repo, objects: list[tuple[str, int]]
) -> list[dict[str, Any]]:
    here = links.origin(request)
    sizes = _committed(repo, [oid for oid, _ in objects])
    answers = []
    for oid, size in objects:
        answer: dict[str, Any] = {"oid": oid, "size": sizes.get(oid, size)}
        if oid in sizes:
            token = _sealed_download(repo, oid, actor)
            answer["actions"] = {"download": {"href": f"{here}/-/lfs/{token}", "expires_in": SIGNED_URL_SECONDS}}
        else:
            answer["error"] = {"code": 404, "message": "the object is not here"}
        answers.append(answer)
    return answers


def _committed(repo: Repo, oids: list[str]) -> dict[str, int]:
    """Returns sha256 → size of large files that some commit of this repo holds."""
    entries = TreeEntry.objects.filter(line__repo=repo, is_lfs=True, blob__sha256__in=oids)
    return dict(entries.values_list("blob__sha256", "size").distinct())


def _oid_and_size(item: object) -> tuple[str, int]:
    if not isinstance(item, dict):
        raise BadInput(_("every object needs 'oid' and 'size'"))
    oid, size = item.get("oid"), item.get("size")
    if not isinstance(oid, str) or not _SHA256.fullmatch(oid):
        raise BadInput(_("'oid' must be a sha256, 64 lower-case hex digits"))
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_NUMBER:
        raise BadInput(_("'size' must be a number of bytes"))
    return oid, size


def _sealed_download(repo: Repo, oid: str, actor: Actor) -> str:
    user_id, token_id = actor.user.pk if actor.user else 0, actor.token.pk if actor.token else 0
    return signing.dumps([repo.kind, repo.namespace.name, repo.name, oid, user_id, token_id], salt=_DOWNLOAD_SALT)


def _reader(user_id: int, token_id: int) -> Actor:
    """Who the address was made for, with the rights they have now. Raises `NotAllowed` when account or token ended."""
    if not user_id:
        return ANONYMOUS
    user = User.objects.filter(pk=user_id, is_active=True).first()
    token = AccessToken.objects.usable().filter(pk=token_id).first() if token_id else None
    if user is None or (token_id and token is None):
        raise NotAllowed(_("the address of this download is not valid any more"))
    return actors.actor_with(user, token)


def _opened_download(token: str) -> tuple[str, str, str, str, int, int]:
    try:
        said = signing.loads(token, salt=_DOWNLOAD_SALT, max_age=SIGNED_URL_SECONDS)
        kind, owner, name, oid, user_id, token_id = said
    except (signing.BadSignature, ValueError, TypeError):
        raise NotAllowed(_("the address of this download is not valid any more")) from None
    return kind, owner, name, oid, user_id, token_id
