"""Likes: giving and taking them back, who likes a repo, what somebody likes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog import access, actors
from catalog.actions.community import likes
from catalog.actors import Actor
from catalog.hub_api import people, wire
from catalog.hub_api.keyset import page_of
from catalog.models import Like, Repo


def like(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    likes.like(repo=repo, actor=actors.personally(actor))
    return JsonResponse({})


def unlike(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> JsonResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    likes.unlike(repo=repo, actor=actors.personally(actor))
    return JsonResponse({})


def likers(request: HttpRequest, actor: Actor, *, kind: str, owner: str, name: str) -> HttpResponse:
    repo = access.repo_to_read(actor, kind, owner, name)
    rows = Like.objects.filter(repo=repo, user__is_active=True).select_related("user__namespace")
    return page_of(request, rows, ["likers", str(repo.pk)], lambda one: people.person(request, one.user))


def liked(request: HttpRequest, actor: Actor, *, user: str) -> HttpResponse:
    """What this person likes, as far as the asking one may see it."""
    liking = access.person_named(user)
    visible = Repo.objects.visible_to(actor.user)
    rows = Like.objects.filter(user=liking, repo__in=visible).select_related("repo__namespace")
    return page_of(request, rows, ["liked", str(liking.pk)], _liked)


def _liked(row: Like) -> dict[str, Any]:
    return {
        "createdAt": wire.instant(row.created_at),
        "repo": {"name": row.repo.full_name, "type": row.repo.kind},
    }
