"""Who am I: `whoami-v2`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse

from catalog import access
from catalog.access import Actor
from catalog.hub_api import people, wire
from catalog.models import AccessToken, Membership, User


def whoami(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = access.signed_in(actor)
    memberships = user.memberships.select_related("organisation__namespace").order_by("organisation__namespace__key")
    body = {
        **_person(request, user),
        "orgs": [_organisation(request, membership) for membership in memberships],
        "auth": _credential(actor.token),
    }
    return JsonResponse(body)


def _person(request: HttpRequest, user: User) -> dict[str, Any]:
    return {
        "type": "user",
        "id": wire.namespace_id(user.namespace),
        "name": user.username,
        "fullname": user.display_name,
        "email": user.email or None,
        "emailVerified": bool(user.email),
        "canPay": False,
        "periodEnd": None,
        "isPro": False,
        "avatarUrl": people.avatar_url(request, user.namespace),
    }


def _organisation(request: HttpRequest, membership: Membership) -> dict[str, Any]:
    organisation = membership.organisation
    return {
        "type": "org",
        "id": wire.namespace_id(organisation.namespace),
        "name": organisation.namespace.name,
        "fullname": organisation.display_name,
        "email": None,
        "canPay": False,
        "periodEnd": None,
        "isEnterprise": False,
        "avatarUrl": people.avatar_url(request, organisation.namespace),
        "roleInOrg": membership.role,
    }


def _credential(token: AccessToken | None) -> dict[str, Any]:
    if token is None:
        return {"type": "session"}
    return {
        "type": "access_token",
        "accessToken": {
            "displayName": token.name,
            "role": token.role,
            "createdAt": wire.instant(token.created_at),
        },
    }
