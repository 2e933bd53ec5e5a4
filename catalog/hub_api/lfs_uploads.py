"""Where LFS clients send bytes: addresses that are their own credential, for whole files and for parts (hub-api 10).

Each names who opened it and with which token: when that is revoked, or its owner blocked, the next request ends it.
"""

from __future__ import annotations

from typing import Any, Final

from django.core import signing
from django.core.signing import Signer
from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog import actors, discussion_access, links
from catalog.actions.incoming import upload_parts, uploads
from catalog.actors import Actor
from catalog.errors import BadInput, NotAllowed, SizeMismatch, UploadGone
from catalog.hub_api import bodies
from catalog.models import AccessToken, Repo, Upload

UPLOADS: Final = "/-/uploads/"
MEDIA_TYPE: Final = "application/vnd.git-lfs+json"
_UPLOADS = Signer(salt="hub-api.lfs-upload")


def actions(request: HttpRequest, actor: Actor, repo: Repo, upload: Upload, *, in_parts: bool) -> dict[str, Any]:
    """Returns where this person may send one file, and where to ask whether it arrived."""
    here, seconds = links.origin(request), int(uploads.UPLOAD_LIFETIME.total_seconds())
    by = f"{upload.actor_id}.{actor.token.pk if actor.token else 0}"
    address, query = f"{here}{UPLOADS}{upload.pk}", f"?by={by}&sig={_UPLOADS.signature(f'{upload.pk}:{by}')}"
    to: dict[str, Any] = {"href": address + query, "expires_in": seconds}
    if in_parts:
        numbers = range(1, upload_parts.part_count(upload.size) + 1)
        to["header"] = {"chunk_size": str(upload_parts.part_bytes(upload.size))}
        to["header"] |= {f"{number:05d}": f"{address}/parts/{number}{query}" for number in numbers}
    verify = f"{here}{repo.web_path}.git/info/lfs/objects/verify"
    return {"upload": to, "verify": {"href": verify, "expires_in": seconds}}


def receive(request: HttpRequest, actor: Actor, upload_id: str) -> HttpResponse:
    """PUT of a whole file."""
    upload = _upload(_sender(request, upload_id), upload_id)
    announced = bodies.content_length(request)
    if announced is not None and announced != upload.size:
        raise SizeMismatch(f"{upload.size} bytes were announced, the body has {announced}")
    uploads.receive_upload(upload=upload, chunks=bodies.views(request))
    return HttpResponse()


def receive_part(request: HttpRequest, actor: Actor, upload_id: str, number: str) -> HttpResponse:
    """PUT of one part; its ETag is what completion must list."""
    upload = _upload(_sender(request, upload_id), upload_id)
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise BadInput("a part is named by its number")
    etag = upload_parts.receive_part(upload=upload, number=int(number), pieces=bodies.views(request))
    response = HttpResponse()
    response["ETag"] = f'"{etag}"'
    return response


def complete(request: HttpRequest, actor: Actor, upload_id: str) -> HttpResponse:
    """POST when all parts are there; asked again after success it succeeds again."""
    sender = _sender(request, upload_id)
    body = bodies.json_body(request)
    finished = Upload.objects.filter(pk=upload_id, finished_at__isnull=False).select_related("repo").first()
    if finished is not None and uploads.held_by(finished.repo, [finished.sha256]):
        return JsonResponse({}, content_type=MEDIA_TYPE)
    upload = _upload(sender, upload_id)
    if body.get("oid") != upload.sha256:
        raise BadInput("'oid' is not that of this upload")
    upload_parts.complete(upload=upload, etags=_etags(body))
    return JsonResponse({}, content_type=MEDIA_TYPE)


def abort(request: HttpRequest, actor: Actor, upload_id: str) -> HttpResponse:
    """DELETE: the sender gives up; what was sent is dropped now instead of in a day."""
    upload_parts.drop(_upload(_sender(request, upload_id), upload_id))
    return HttpResponse(status=204)


def holder(request: HttpRequest) -> int | None:
    """The account an address was made for, by its signature alone: who to count a request for, not what it may do."""
    try:
        return _opener(request, request.path.removeprefix(UPLOADS).partition("/")[0])[0]
    except NotAllowed:
        return None


def _etags(body: bodies.Json) -> list[str]:
    """The etags in the order of their parts. Raises `BadInput`."""
    listed: dict[int, str] = {}
    for item in bodies.list_field(body, "parts", most=upload_parts.MOST_PARTS):
        number, etag = (item.get("partNumber"), item.get("etag")) if isinstance(item, dict) else (None, None)
        if not isinstance(number, int) or isinstance(number, bool) or not isinstance(etag, str):
            raise BadInput("every part needs 'partNumber' and 'etag'")
        listed[number] = etag.removeprefix("W/").strip('"')
    if sorted(listed) != list(range(1, len(listed) + 1)):
        raise BadInput("the parts must be numbered from 1 without gaps")
    return [listed[number] for number in sorted(listed)]


def _sender(request: HttpRequest, upload_id: str) -> Actor:
    """Who this address was made for, with the token they asked with.

    Raises:
        NotAllowed: the address is not one of ours.
        UploadGone: the token or its owner is.
    """
    user_id, token_id = _opener(request, upload_id)
    token = AccessToken.objects.usable().select_related("user").filter(pk=token_id, user=user_id).first()
    if token is None:
        raise UploadGone
    return actors.actor_with(token.user, token)


def _opener(request: HttpRequest, upload_id: str) -> tuple[int, int]:
    """Account and token that an address names. Raises `NotAllowed`."""
    by = request.GET.get("by", "")
    try:
        _UPLOADS.unsign(f"{upload_id}:{by}{_UPLOADS.sep}{request.GET.get('sig', '')}")
    except signing.BadSignature:
        raise NotAllowed("the address of this upload is not valid") from None
    user_id, token_id = by.split(".")
    return int(user_id), int(token_id)


def _upload(sender: Actor, upload_id: str) -> Upload:
    """The upload an address is for, if its sender may still write there. Raises `UploadGone`."""
    upload = uploads.upload_in_progress(int(upload_id))
    if sender.user is None or not sender.may_write or not discussion_access.may_still_upload(sender.user, upload.repo):
        raise UploadGone
    return upload
