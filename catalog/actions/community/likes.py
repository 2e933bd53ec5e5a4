"""Likes: one per person and repo, and their sum in the facts that lists sort by."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from catalog.models import Like, Repo, RepoFacts, User


@transaction.atomic
def like(*, repo: Repo, actor: User) -> None:
    """Like a repo; harmless when it is liked already."""
    _like, created = Like.objects.get_or_create(repo=repo, user=actor)
    if created:
        RepoFacts.objects.filter(repo=repo).update(likes=F("likes") + 1)


@transaction.atomic
def unlike(*, repo: Repo, actor: User) -> None:
    """Take a like back; harmless when there is none."""
    deleted, _rows = Like.objects.filter(repo=repo, user=actor).delete()
    if deleted:
        RepoFacts.objects.filter(repo=repo).update(likes=F("likes") - 1)
