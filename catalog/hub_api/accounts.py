"""Who am I: `whoami-v2`."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse

from catalog import actors
from catalog.actors import Actor
from catalog.hub_api import people, wire
from catalog.models import AccessToken, Membership, TokenGrant, User


def whoami(request: HttpRequest, actor: Actor) -> JsonResponse:
    user = actors.signed_in(actor)
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
    shown: dict[str, Any] = {
        "displayName": token.name,
        "role": token.role,
        "createdAt": wire.instant(token.created_at),
    }
    if token.role == AccessToken.Role.FINE_GRAINED:
        shown["fineGrained"] = {"global": [], "scoped": [_scope(grant) for grant in _grants(token)]}
    return {"type": "access_token", "accessToken": shown}


def _grants(token: AccessToken) -> QuerySet[TokenGrant]:
    return token.grants.select_related("namespace__organisation", "repo__namespace").order_by("pk")


def _scope(grant: TokenGrant) -> dict[str, Any]:
    """As the Hub says it: what about, and a list of permissions."""
    permissions = ["repo.content.read"]
    if grant.role != TokenGrant.Role.READ:
        permissions.append("repo.write")
    if grant.repo is not None:
        entity = {"_id": grant.repo.public_id, "type": grant.repo.kind, "name": grant.repo.full_name}
    else:
        assert grant.namespace is not None  # the database keeps it so
        kind = "org" if grant.namespace.is_organisation else "user"
        entity = {"_id": wire.namespace_id(grant.namespace), "type": kind, "name": grant.namespace.name}
    return {"entity": entity, "permissions": permissions}
