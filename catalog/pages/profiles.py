"""The page of a person or a team: who they are, and what they publish."""

from __future__ import annotations

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import access, actors
from catalog.models import Collection, Like, Membership, Namespace, Organisation, Repo, User
from catalog.pages.errors import page
from catalog.queries import follows
from catalog.queries.activity import Scope, activity
from catalog.queries.search import find_repos
from catalog.queries.search_request import SearchRequest

REPOS_SHOWN = 30
COLLECTIONS_SHOWN = 12
LIKES_SHOWN = 12
HAPPENINGS_SHOWN = 5  # of twice as many rows: some have nothing to show any more


@page
def profile(request: HttpRequest, owner: str) -> HttpResponse:
    namespace = access.namespace_named(owner)
    user = actors.actor_of(request).user
    shown = {
        "namespace": namespace,
        "owner": namespace.owner,
        "is_team": namespace.is_organisation,
        "models": _repos(namespace, Repo.Kind.MODEL, user),
        "datasets": _repos(namespace, Repo.Kind.DATASET, user),
        "spaces": _repos(namespace, Repo.Kind.SPACE, user),
        "collections": Collection.objects.visible_to(user)
        .filter(namespace=namespace)
        .select_related("namespace")
        .order_by("position", "-updated_at", "-pk")[:COLLECTIONS_SHOWN],
        "likes": _liked(namespace, user),
        "memberships": _memberships(namespace),
        "happenings": activity(Scope(namespace=namespace), reader=user, limit=2 * HAPPENINGS_SHOWN).items[
            :HAPPENINGS_SHOWN
        ],
        "is_followed": follows.is_following(user, namespace),
        "followers": follows.followers_of(namespace).count(),
        "following": follows.followed_by(namespace.owner).count() if isinstance(namespace.owner, User) else None,
        "creates": user is not None and access.can_write(user, namespace),
        "manages": user is not None and may_manage(user, namespace),
    }
    return render(request, "catalog/profile.html", shown)


def may_manage(user: User, namespace: Namespace) -> bool:
    """Whether this person decides who is a member of the team of this name."""
    if not namespace.is_organisation:
        return False
    roles = Membership.objects.filter(organisation__namespace=namespace, user=user, role=Membership.Role.ADMIN)
    return user.administers or roles.exists()


def _repos(namespace: Namespace, kind: str, user: User | None) -> list[object]:
    search = SearchRequest(kind=kind, author=namespace.name, sort="updated", limit=REPOS_SHOWN)
    return list(find_repos(search, user=user).items)


def _liked(namespace: Namespace, reader: User | None) -> list[Like]:
    """What a person likes, newest first, as far as the reader may see it; teams like nothing."""
    if not isinstance(namespace.owner, User):
        return []
    found = Like.objects.filter(user=namespace.owner, repo__in=Repo.objects.visible_to(reader))
    return list(found.select_related("repo__namespace").order_by("-pk")[:LIKES_SHOWN])


def _memberships(namespace: Namespace) -> list[Membership]:
    """The members of a team, or the teams of a person."""
    owner = namespace.owner
    if isinstance(owner, Organisation):
        found = list(owner.memberships.order_by("user__username"))
        prefetch_related_objects(found, "user")
        return found
    if isinstance(owner, User):
        found = list(owner.memberships.order_by("organisation__namespace__key"))
        prefetch_related_objects(found, "organisation__namespace")
        return found
    return []
