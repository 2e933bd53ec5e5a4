"""Repos that were deleted and can still come back: who sees them, what they hold, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now

from catalog.models import Membership, Repo, RepoBlob, User
from catalog.queries.paging import Cursor, IsBeyond, Page

PAGE: Final = 30
_LIST: Final = "deleted-repos"


@dataclass(frozen=True)
class DeletedRepo:
    """A deleted repo as its owner sees it."""

    repo: Repo
    size_bytes: int
    restorable_until: datetime
    name_is_taken: bool  # its owner has another repo of this name by now

    @property
    def deleted_at(self) -> datetime:
        assert self.repo.deleted_at is not None  # the query asks for no other
        return self.repo.deleted_at


def restorable() -> QuerySet[Repo]:
    """Those that can still come back (namespace selected), latest first."""
    kept_since = Now() - timedelta(days=settings.DELETED_REPO_DAYS)
    return Repo.objects.filter(deleted_at__gt=kept_since).select_related("namespace").order_by("-deleted_at", "-pk")


def restorable_by(user: User) -> QuerySet[Repo]:
    """Of these, the ones this person may bring back: their own, of teams they administer, or all of the site."""
    if user.administers:
        return restorable()
    teams = Membership.objects.filter(user=user, role=Membership.Role.ADMIN).values("organisation__namespace_id")
    return restorable().filter(Q(namespace_id=user.namespace_id) | Q(namespace_id__in=teams))


def find_restorable(user: User, *, owner: str = "", cursor: str = "", limit: int = PAGE) -> Page[DeletedRepo]:
    """One page of what this person may bring back, latest first.

    Args:
        owner: only in this namespace.

    Raises:
        InvalidCursor
    """
    found = restorable_by(user)
    if owner:
        found = found.filter(namespace__key=owner.casefold())
    if cursor:
        found = found.filter(IsBeyond(["deleted_at", "id"], Cursor.unseal(cursor, _LIST)))
    rows = [_described(repo) for repo in _measured(found)[: limit + 1]]
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(shown, next_cursor=Cursor((shown[-1].deleted_at, shown[-1].repo.pk)).seal(_LIST) if more else None)


def _measured(repos: QuerySet[Repo]) -> QuerySet[Repo]:
    held = RepoBlob.objects.filter(repo=OuterRef("pk")).order_by().values("repo")
    weighed = held.annotate(total=Sum("blob__size")).values("total")
    same_name = Repo.objects.live().filter(
        namespace=OuterRef("namespace"), kind=OuterRef("kind"), name_key=OuterRef("name_key")
    )
    return repos.annotate(held_bytes=Coalesce(Subquery(weighed), 0), namesake=Subquery(same_name.values("pk")[:1]))


def _described(repo: Repo) -> DeletedRepo:
    assert repo.deleted_at is not None
    return DeletedRepo(
        repo=repo,
        size_bytes=repo.held_bytes,  # type: ignore[attr-defined]  # annotated above
        restorable_until=repo.deleted_at + timedelta(days=settings.DELETED_REPO_DAYS),
        name_is_taken=repo.namesake is not None,  # type: ignore[attr-defined]  # likewise
    )
