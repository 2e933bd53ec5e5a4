"""Following people and teams. The client lists; the calls that follow are those of the public Hub's pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog import access, actors
from catalog.actions.community import following
from catalog.actors import Actor
from catalog.hub_api import people
from catalog.hub_api.keyset import page_of
from catalog.models import Namespace
from catalog.queries import follows


def follow_user(request: HttpRequest, actor: Actor, *, user: str) -> JsonResponse:
    return _follow(actor, access.person_named(user).namespace)


def unfollow_user(request: HttpRequest, actor: Actor, *, user: str) -> JsonResponse:
    return _unfollow(actor, access.person_named(user).namespace)


def follow_team(request: HttpRequest, actor: Actor, *, organisation: str) -> JsonResponse:
    return _follow(actor, access.organisation_named(organisation).namespace)


def unfollow_team(request: HttpRequest, actor: Actor, *, organisation: str) -> JsonResponse:
    return _unfollow(actor, access.organisation_named(organisation).namespace)


def followers(request: HttpRequest, actor: Actor, *, user: str) -> HttpResponse:
    return _followers(request, access.person_named(user).namespace)


def team_followers(request: HttpRequest, actor: Actor, *, organisation: str) -> HttpResponse:
    return _followers(request, access.organisation_named(organisation).namespace)


def followed(request: HttpRequest, actor: Actor, *, user: str) -> HttpResponse:
    """The people somebody follows; teams are not what clients expect here."""
    rows = follows.people_followed_by(access.person_named(user)).select_related("namespace__user__namespace")
    return page_of(request, rows, ["followed", user.casefold()], lambda one: people.person(request, one.namespace.user))


def _followers(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    rows = follows.followers_of(namespace)
    return page_of(request, rows, ["followers", str(namespace.pk)], lambda one: people.person(request, one.user))


def _follow(actor: Actor, namespace: Namespace) -> JsonResponse:
    following.follow(namespace=namespace, actor=actors.personally(actor))
    return JsonResponse({})


def _unfollow(actor: Actor, namespace: Namespace) -> JsonResponse:
    following.unfollow(namespace=namespace, actor=actors.personally(actor))
    return JsonResponse({})
