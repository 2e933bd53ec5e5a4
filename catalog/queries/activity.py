"""What happened lately, newest first: in a repo, around a person or a team, or in all that somebody watches.

There is no log of its own: each source reads rows that exist for another reason and shows what this reader may see
now, under the names that things have now. Pages are merged by moment. Evaluation adds its source when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet

from catalog.errors import InvalidCursor
from catalog.models import Follow, Membership, Namespace, Repo, User
from catalog.queries.paging import Cursor, Page

PAGE: Final = 30
_LIST: Final = "activity"
M = TypeVar("M", bound=Model)
Named = Sequence[int] | QuerySet[Any, Any]  # primary keys where they are few, else the question for them
MOST_NAMED: Final = 200


@dataclass(frozen=True)
class Happening:
    """One thing that happened; what does not apply is empty."""

    key: str  # says which row of which source it is
    at: datetime
    what: str  # repo, restored, moved, commit, tag, discussion, pull_request, comment, merged, closed, reopened, …
    repo: Repo  # namespace selected
    actor: User | None = None
    title: str = ""  # of the commit, discussion, benchmark …
    path: str = ""  # of the page about it
    num: int | None = None  # of a discussion
    oid: str = ""  # of a commit
    name: str = ""  # of a branch or tag
    score: Any = None  # evaluation's row, where a score is what happened


@dataclass(frozen=True)
class Scope:
    """Whose activity is asked for: exactly one of these."""

    repo: Repo | None = None
    namespace: Namespace | None = None  # its repos, and what a person did in those of others
    watcher: User | None = None  # what they own, like, and the people and teams they follow

    @property
    def name(self) -> str:
        """A cursor fits no other scope."""
        return f"{self.repo and self.repo.pk}/{self.namespace and self.namespace.pk}/{self.watcher and self.watcher.pk}"


@dataclass(frozen=True)
class Asked:
    """What one source is asked for: a page of rows that this reader may see, older than a moment."""

    scope: Scope
    reader: User | None
    limit: int
    rank: int = 0  # of the source among all
    since: Cursor | None = None
    visible: QuerySet[Repo] = field(default_factory=Repo.objects.none)
    repos: Named = ()  # what happened in these belongs here
    people: Named = ()  # and what these did anywhere

    def newest(self, rows: QuerySet[M], *, at: str, actor: str | None = None) -> list[M]:
        """The newest of these rows that belong here; they have a `repo`.

        Args:
            at, actor: columns that say when it was, and who did it.
        """
        rows = rows.filter(_before(self.since, self.rank, at)).order_by(f"-{at}", "-pk")
        parts = [Q(repo__in=self.repos)]
        if actor is not None:
            parts.append(Q(**{f"{actor}__in": self.people}, repo__in=self.visible))
        # each on its own, so that an index serves it; a row may belong for both reasons
        found = {row.pk: row for part in parts for row in rows.filter(part)[: self.limit]}
        in_order = sorted(found.values(), key=lambda row: (getattr(row, at), row.pk), reverse=True)
        return in_order[: self.limit]


# Moment and primary key of each row, and what it shows; None is a row that has nothing to show (any more).
Found = list[tuple[datetime, int, Happening | None]]
Source = Callable[[Asked], Found]
_sources: list[Source] = []


def add_source(source: Source) -> None:
    """Called once for each when the apps start; their order decides between equal moments."""
    if source not in _sources:
        _sources.append(source)


def activity(scope: Scope, *, reader: User | None, cursor: str = "", limit: int = PAGE) -> Page[Happening]:
    """One page. It may be shorter than `limit` where rows have nothing to show any more.

    Raises:
        InvalidCursor
    """
    list_name = f"{_LIST}:{scope.name}"
    since = Cursor.unseal(cursor, list_name) if cursor else None
    if since is not None and len(since.keys) != 3:
        raise InvalidCursor
    visible = Repo.objects.visible_to(reader)
    repos, people = _named(_repos(scope, visible)), _named(_people(scope))
    asked = Asked(scope, reader, limit + 1, since=since, visible=visible, repos=repos, people=people)
    merged = [
        (at, -rank, key, happening)
        for rank, source in enumerate(_sources)
        for at, key, happening in source(replace(asked, rank=rank))
    ]
    merged.sort(key=lambda one: one[:3], reverse=True)
    shown, more = merged[:limit], len(merged) > limit
    last = Cursor((shown[-1][0], shown[-1][1], shown[-1][2])).seal(list_name) if more else None
    return Page([happening for *_place, happening in shown if happening is not None], next_cursor=last)


def _named(rows: QuerySet[Any]) -> Named:
    """The keys themselves while they are few.

    Then the database knows how few rows to expect and takes the index of the repo or person; asked by a subquery it
    guesses, and read all 400 000 events by moment to find two. Of many, the index by moment is right.
    """
    keys = list(rows.values_list("pk", flat=True)[: MOST_NAMED + 1])
    return keys if len(keys) <= MOST_NAMED else rows.values("pk")


def _repos(scope: Scope, visible: QuerySet[Repo]) -> QuerySet[Repo]:
    """What belongs because of the repo in which it happened."""
    if scope.repo is not None:
        return visible.filter(pk=scope.repo.pk)
    if scope.namespace is not None:
        return visible.filter(namespace=scope.namespace)
    assert scope.watcher is not None
    followed = Follow.objects.filter(user=scope.watcher).values("namespace")
    teams = Membership.objects.filter(user=scope.watcher).values("organisation__namespace")
    own = Q(namespace=scope.watcher.namespace_id) | Q(namespace__in=teams) | Q(namespace__in=followed)
    liked = Repo.objects.filter(likes__user=scope.watcher).values("pk")
    return visible.filter(own | Q(pk__in=liked))


def _people(scope: Scope) -> QuerySet[User]:
    """Whose doings belong wherever they happened."""
    if scope.namespace is not None:
        return User.objects.filter(namespace=scope.namespace)
    if scope.watcher is not None:
        return User.objects.filter(namespace__in=Follow.objects.filter(user=scope.watcher).values("namespace"))
    return User.objects.none()


def _before(since: Cursor | None, rank: int, at: str) -> Q:
    """Sources of a lower rank come first where moments are equal."""
    if since is None:
        return Q()
    moment, place, key = since.keys
    if rank < -int(str(place)):
        return Q(**{f"{at}__lt": moment})
    if rank > -int(str(place)):
        return Q(**{f"{at}__lte": moment})
    return Q(**{f"{at}__lt": moment}) | Q(**{at: moment, "pk__lt": key})


def in_order(rows: Sequence[M], at: str, shown: Iterable[Happening | None]) -> Found:
    """What a source returns for these rows."""
    return [(getattr(row, at), row.pk, happening) for row, happening in zip(rows, shown, strict=True)]
