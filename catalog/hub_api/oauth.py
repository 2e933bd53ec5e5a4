"""`hf auth login`: a device code, and the token it becomes."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _

from catalog.actions.people import device_login
from catalog.actions.people.device_login import Grant, OAuthRefusal
from catalog.actors import Actor
from catalog.errors import NotServed
from catalog.hub_api import bodies, wire

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # trusted publishers of the public Hub


def device(request: HttpRequest, actor: Actor) -> JsonResponse:
    fields = _fields(request)
    login, secret = device_login.start(
        client_id=fields.get("client_id", ""),
        note=_printable(request.headers.get("User-Agent", "")),
        address=request.META.get("REMOTE_ADDR", ""),
    )
    page = f"{wire.origin(request)}/oauth/approve"
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
        grant = _granted(fields)
    except OAuthRefusal as refusal:
        return _unstored({"error": refusal.code, "error_description": refusal.description}, status=400)
    return _unstored(
        {
            "access_token": grant.access_token,
            "token_type": "bearer",
            "refresh_token": grant.refresh_token,
            "expires_in": grant.expires_in,
        }
    )


def _granted(fields: dict[str, str]) -> Grant:
    client_id = fields.get("client_id", "")
    grant_type = fields.get("grant_type")
    if grant_type == DEVICE_CODE:
        return device_login.redeem(device_code=fields.get("device_code", ""), client_id=client_id)
    if grant_type == "refresh_token":
        return device_login.renew(refresh_token=fields.get("refresh_token", ""), client_id=client_id)
    if grant_type == EXCHANGE:
        raise NotServed(_("this server does not exchange tokens of CI systems; use an access token as HF_TOKEN"))
    raise OAuthRefusal("unsupported_grant_type", "this server grants device_code and refresh_token")


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
