"""Who follows whom. Accounts that are blocked do not show."""

from __future__ import annotations

from django.db.models import QuerySet

from catalog.models import Follow, Namespace, User


def followers_of(namespace: Namespace) -> QuerySet[Follow]:
    """The people who follow a person or a team, with their namespaces."""
    return Follow.objects.filter(namespace=namespace, user__is_active=True).select_related("user__namespace")


def followed_by(user: User) -> QuerySet[Follow]:
    """The people and teams somebody follows, owners selected."""
    rows = Follow.objects.filter(user=user).exclude(namespace__user__is_active=False)
    return rows.select_related("namespace__user", "namespace__organisation")


def people_followed_by(user: User) -> QuerySet[Follow]:
    return followed_by(user).filter(namespace__user__isnull=False)


def is_following(user: User | None, namespace: Namespace) -> bool:
    return user is not None and Follow.objects.filter(user=user, namespace=namespace).exists()
