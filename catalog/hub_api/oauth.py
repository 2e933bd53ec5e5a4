"""`hf auth login`: a device code, and the token it becomes; and tokens for CI jobs that hold no secret of ours."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, JsonResponse

from catalog import links
from catalog.actions.people import device_login, trusted_publishers
from catalog.actions.people.device_login import OAuthRefusal
from catalog.actors import Actor
from catalog.hub_api import bodies
from catalog.hub_api.errors import header_text
from catalog.models import Repo
from catalog.parsing.names import RESERVED

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # RFC 8693
SIGNED_IDENTITY: Final = "urn:ietf:params:oauth:token-type:id_token"
ISSUED: Final = "urn:ietf:params:oauth:token-type:access_token"


def device(request: HttpRequest, actor: Actor) -> JsonResponse:
    fields = _fields(request)
    login, secret = device_login.start(
        client_id=fields.get("client_id", ""),
        note=_printable(request.headers.get("User-Agent", "")),
        address=request.META.get("REMOTE_ADDR", ""),
    )
    page = f"{links.origin(request)}/oauth/approve"
    return _unstored(
        {
            "device_code": secret,
            "user_code": login.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={login.user_code}",
            "interval": login.interval_seconds,
            "expires_in": int(device_login.LIFETIME.total_seconds()),
        }
    )


def token(request: HttpRequest, actor: Actor) -> JsonResponse:
    fields = _fields(request)
    try:
        return _unstored({"token_type": "bearer", **_granted(request, fields)})
    except OAuthRefusal as refusal:
        response = _unstored({"error": refusal.code, "error_description": refusal.description}, status=400)
        if refusal.description:
            response["X-Error-Message"] = header_text(refusal.description)  # what huggingface_hub shows
        return response


def _granted(request: HttpRequest, fields: dict[str, str]) -> dict[str, str | int]:
    client_id = fields.get("client_id", "")
    grant_type = fields.get("grant_type")
    if grant_type == EXCHANGE:
        return _exchanged(request, fields)
    if grant_type == DEVICE_CODE:
        grant = device_login.redeem(device_code=fields.get("device_code", ""), client_id=client_id)
    elif grant_type == "refresh_token":
        grant = device_login.renew(refresh_token=fields.get("refresh_token", ""), client_id=client_id)
    else:
        raise OAuthRefusal("unsupported_grant_type", "this server grants device_code, refresh_token and token-exchange")
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "expires_in": grant.expires_in,
    }


def _exchanged(request: HttpRequest, fields: dict[str, str]) -> dict[str, str | int]:
    """A token for one repo, for what a CI system signed about a job. Source: huggingface_hub 2.4, _oidc.py."""
    if fields.get("subject_token_type") != SIGNED_IDENTITY:
        raise OAuthRefusal("invalid_request", f"subject_token_type must be {SIGNED_IDENTITY}")
    kind, owner, name = _resource(fields.get("resource", ""))
    exchanged = trusted_publishers.exchange(
        token=fields.get("subject_token", ""), kind=kind, owner=owner, name=name,
        audience=links.public_origin(request), address=request.META.get("REMOTE_ADDR", ""),
    )  # fmt: skip
    return {
        "access_token": exchanged.access_token,
        "issued_token_type": ISSUED,
        "expires_in": exchanged.expires_in,
    }


def _resource(text: str) -> tuple[str, str, str]:
    """`ns/model`, `datasets/ns/name` or `spaces/ns/name`; on the public Hub also a person, to read gated repos."""
    parts = text.split("/")
    kind = Repo.Kind.MODEL.value
    if len(parts) == 3 and parts[0].removesuffix("s") in Repo.Kind.values:
        kind = parts.pop(0).removesuffix("s")
    if len(parts) != 2 or not all(parts) or parts[0].lower() in RESERVED:
        raise OAuthRefusal("invalid_target", "resource must be namespace/name, datasets/… or spaces/…")
    return kind, parts[0], parts[1]


def _fields(request: HttpRequest) -> dict[str, str]:
    """Forms mostly; the exchange of CI tokens sends JSON."""
    given = bodies.form_or_json(request)
    values = {name: value[-1] if isinstance(value, list) and value else value for name, value in given.items()}
    return {name: bodies.storable(value, name) for name, value in values.items() if isinstance(value, str)}


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _unstored(body: dict[str, Any], status: int = 200) -> JsonResponse:
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    return response
