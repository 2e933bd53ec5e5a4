"""People and teams: overviews, members, and what one's own repos weigh."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from catalog import access, actors, links
from catalog.actors import Actor
from catalog.errors import NotAllowed
from catalog.hub_api import wire
from catalog.hub_api.keyset import page_of
from catalog.models import Discussion, Like, Namespace, Organisation, Repo, RepoBlob, User
from catalog.queries import follows


def person(request: HttpRequest, user: User) -> dict[str, Any]:
    """How lists show somebody."""
    return {
        "_id": wire.namespace_id(user.namespace),
        "user": user.username,
        "fullname": user.display_name,
        "avatarUrl": avatar_url(request, user.namespace),
        "type": "user",
        "isPro": False,
    }


def team(request: HttpRequest, organisation: Organisation) -> dict[str, Any]:
    """How lists show a team."""
    return {
        "id": wire.namespace_id(organisation.namespace),
        "type": "org",
        "name": organisation.namespace.name,
        "fullname": organisation.display_name,
        "avatarUrl": avatar_url(request, organisation.namespace),
        "isEnterprise": False,
    }


def avatar_url(request: HttpRequest, namespace: Namespace) -> str:
    """Nobody has a picture here; clients want an address, and the profile shows the initials."""
    return f"{links.origin(request)}/{namespace.name}"


def user_overview(request: HttpRequest, actor: Actor, *, user: str) -> JsonResponse:
    found = access.person_named(user)
    teams = Organisation.objects.filter(memberships__user=found).select_related("namespace")
    visible = Repo.objects.visible_to(actor.user)
    return JsonResponse(
        {
            **person(request, found),
            "details": "",
            "isFollowing": follows.is_following(actor.user, found.namespace),
            **_counts(actor, found.namespace),
            "numDiscussions": Discussion.objects.filter(author=found, repo__in=visible).count(),
            "numPapers": 0,
            "numUpvotes": 0,
            "numLikes": Like.objects.filter(user=found, repo__in=visible).count(),
            "numFollowing": follows.people_followed_by(found).count(),
            "numFollowers": follows.followers_of(found.namespace).count(),
            "orgs": [team(request, one) for one in teams.order_by("namespace__key")],
            "createdAt": wire.instant(found.created_at),
        }
    )


def organisation_overview(request: HttpRequest, actor: Actor, *, organisation: str) -> JsonResponse:
    found = access.organisation_named(organisation)
    return JsonResponse(
        {
            **team(request, found),
            "details": "",
            "isVerified": False,
            "isFollowing": follows.is_following(actor.user, found.namespace),
            "numUsers": found.memberships.count(),
            **_counts(actor, found.namespace),
            "numFollowers": follows.followers_of(found.namespace).count(),
            "numPapers": 0,
            "plan": None,
        }
    )


def members(request: HttpRequest, actor: Actor, *, organisation: str) -> HttpResponse:
    found = access.organisation_named(organisation)
    rows = found.memberships.select_related("user__namespace").filter(user__is_active=True)
    return page_of(
        request, rows, ["members", str(found.pk)], lambda one: {**person(request, one.user), "role": one.role}
    )


def own_repositories(request: HttpRequest, actor: Actor) -> HttpResponse:
    return _repositories(request, actors.in_full(actor).namespace)


def team_repositories(request: HttpRequest, actor: Actor, *, organisation: str) -> HttpResponse:
    """For those who may write in the team; others get no sizes."""
    found = access.organisation_named(organisation)
    if not access.can_write(actors.signed_in(actor), found.namespace):
        raise NotAllowed(_("only its members with the role write see what a team stores"))
    return _repositories(request, found.namespace)


def _repositories(request: HttpRequest, namespace: Namespace) -> HttpResponse:
    held = RepoBlob.objects.filter(repo=OuterRef("pk")).order_by().values("repo")
    total = RepoBlob.objects.filter(repo__namespace=namespace, repo__deleted_at=None).aggregate(
        total=Sum("blob__size", default=0)
    )["total"]
    rows = (
        Repo.objects.live()
        .filter(namespace=namespace)
        .select_related("namespace", "facts")
        .annotate(stored=Coalesce(Subquery(held.annotate(total=Sum("blob__size")).values("total")), 0))
    )

    def item(repo: Repo) -> dict[str, Any]:
        stored: int = repo.stored  # type: ignore[attr-defined]  # annotated above
        return {
            "id": repo.full_name,
            "type": repo.kind,
            "updatedAt": wire.instant(repo.facts.updated_at),
            "visibility": repo.visibility,
            "storage": stored,
            "storagePercent": stored / total if total else 0,
        }

    return page_of(request, rows, ["repositories", str(namespace.pk)], item)


def _counts(actor: Actor, namespace: Namespace) -> dict[str, int]:
    visible = Repo.objects.visible_to(actor.user).filter(namespace=namespace)
    counted = dict(visible.order_by().values_list("kind").annotate(Count("pk")))
    return {
        "numModels": counted.get(Repo.Kind.MODEL, 0),
        "numDatasets": counted.get(Repo.Kind.DATASET, 0),
        "numSpaces": counted.get(Repo.Kind.SPACE, 0),
    }
