"""Looking words up among the documents, whether they are rare or in every card.

Two ways lead to "the first matches in this order", and each is slow where the other is fast: to go down the
order and test each row (good for common words), or to collect all matches from the word index and sort
them (good for rare ones). PostgreSQL's guess between them fails, because it does not know what reading a
large document costs. So we look at the first rows of the order, and if they hold too few matches, the
word is rare. Measured in ADR 0007.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from django.contrib.postgres.search import SearchRank
from django.db.models import Expression, ExpressionWrapper, F, FloatField, Func, QuerySet, Value
from django.db.models.functions import Ln

from catalog.models import Repo
from catalog.models.repo import RepoQuerySet
from catalog.queries.paging import Cursor, IsBeyond, Key
from catalog.queries.search_document import Matches, asked_as, question
from catalog.queries.search_request import RELEVANCE, SearchRequest

DOWNLOADS: Final = "facts__downloads"
SCORE: Final = "score"
ROWS_TESTED: Final = 500  # of the order, before a word counts as rare
ENOUGH_TO_JUDGE: Final = 30  # a page
MOST_JUDGED: Final = 300  # judging reads the document; the other matches follow by downloads
_WEIGHTS: Final = [0.05, 0.15, 0.6, 1.0]  # card; tags, task and pieces of ids; title; id

KeyedRows: TypeAlias = list[tuple[Key, int]]


@dataclass(frozen=True)
class Stretch:
    """The next `size` rows of a list ordered downwards by one column, then by id; backwards, the ones above."""

    column: str
    cursor: Cursor | None
    size: int
    is_backward: bool = False

    def of(self, repos: RepoQuerySet, *, by_sorting: bool = False) -> QuerySet[Repo, tuple[Key, int]]:
        """Returns (key, id) of these rows.

        Args:
            by_sorting: collect all rows and sort them, instead of going along an index of the column.
        """
        if self.cursor is not None:
            repos = repos.filter(IsBeyond([self.column, "facts__pk"], self.cursor))
        # GREATEST of one value is that value, but no index has it.
        key = Func(F(self.column), function="GREATEST") if by_sorting else F(self.column)
        ordered = repos.order_by(*((key.asc(), "facts__pk") if self.is_backward else (key.desc(), "-facts__pk")))
        return ordered.values_list(self.column, "pk")[: self.size]


@dataclass(frozen=True)
class Likeliest:
    """The matches whose relevance is judged; `is_all`: there are no others."""

    ids: list[int]
    is_all: bool


def asked_of(request: SearchRequest) -> Expression:
    """Returns the question a request's text asks."""
    return asked_as(question(request.text, in_ids_only=request.in_ids_only))


def found(repos: RepoQuerySet, request: SearchRequest, stretch: Stretch) -> KeyedRows:
    """Returns (key, id) of the next repos that match the text, in the order of the stretch."""
    if request.order == RELEVANCE:
        return _found_by_relevance(repos, request, stretch)
    return _found_in_order(repos, asked_of(request), stretch)


def _found_in_order(repos: RepoQuerySet, asked: Expression, stretch: Stretch) -> KeyedRows:
    near = Repo.objects.filter(pk__in=_first_rows(repos, stretch)).filter(Matches(asked))
    matches = list(stretch.of(near))
    if len(matches) < stretch.size:
        matches = list(stretch.of(repos.filter(Matches(asked)), by_sorting=True))
    return matches


def _found_by_relevance(repos: RepoQuerySet, request: SearchRequest, stretch: Stretch) -> KeyedRows:
    """The likeliest by score, then all others by downloads; the keys of those are below zero."""
    asked, likeliest = asked_of(request), _likeliest(repos, request)
    parts = (partial(_judged, likeliest, asked), partial(_others, repos, likeliest, asked))
    at = 1 if _is_among_others(stretch.cursor) else 0
    rows: KeyedRows = []
    cursor = stretch.cursor
    for part in parts[at::-1] if stretch.is_backward else parts[at:]:
        if len(rows) < stretch.size:
            rows += part(replace(stretch, cursor=cursor, size=stretch.size - len(rows)))
        cursor = None  # the next part is entered at its end
    return rows


def _likeliest(repos: RepoQuerySet, request: SearchRequest) -> Likeliest:
    """Matches in ids first, then those anywhere; of each the most downloaded."""
    asked, in_id = asked_of(request), asked_as(question(request.text, in_ids_only=True))
    popular = Stretch(DOWNLOADS, None, MOST_JUDGED)
    near = Repo.objects.filter(pk__in=_first_rows(repos, popular)).filter(Matches(asked))
    seen = list(near.values_list("pk", Matches(in_id)))
    anywhere = [pk for pk, _ in seen]
    named = [pk for pk, is_in_id in seen if is_in_id]
    is_all = False
    if len(named) < ENOUGH_TO_JUDGE:
        named = [pk for _, pk in popular.of(repos.filter(Matches(in_id)), by_sorting=True)]
    if len({*named, *anywhere}) < ENOUGH_TO_JUDGE:
        anywhere = [pk for _, pk in popular.of(repos.filter(Matches(asked)), by_sorting=True)]
        is_all = len(anywhere) < MOST_JUDGED
    ids = list(dict.fromkeys([*named, *anywhere]))
    return Likeliest(ids[:MOST_JUDGED], is_all and len(ids) <= MOST_JUDGED)


def _judged(likeliest: Likeliest, asked: Expression, stretch: Stretch) -> KeyedRows:
    return list(stretch.of(Repo.objects.filter(pk__in=likeliest.ids).annotate(score=_score(asked))))


def _others(repos: RepoQuerySet, likeliest: Likeliest, asked: Expression, stretch: Stretch) -> KeyedRows:
    if likeliest.is_all:
        return []
    cursor = stretch.cursor
    if cursor is not None:
        key, pk = cursor.keys
        cursor = replace(cursor, keys=(_downloads_of(key), pk))
    by_downloads = replace(stretch, column=DOWNLOADS, cursor=cursor)
    rows = _found_in_order(repos.exclude(pk__in=likeliest.ids), asked, by_downloads)
    return [(-1.0 / (downloads + 1), pk) for downloads, pk in rows if isinstance(downloads, int)]


def _is_among_others(cursor: Cursor | None) -> bool:
    return cursor is not None and isinstance(cursor.keys[0], float) and cursor.keys[0] < 0


def _downloads_of(key: Key) -> int:
    assert isinstance(key, float)
    return round(-1.0 / key) - 1


def _first_rows(repos: RepoQuerySet, stretch: Stretch) -> QuerySet[Repo, tuple[int]]:
    return replace(stretch, size=ROWS_TESTED).of(repos).values_list("pk")


def _score(asked: Expression) -> Expression:
    """How well the words fit, times a gentle push for what many people use."""
    fit = SearchRank(F("facts__document"), asked, weights=_WEIGHTS)
    push = Value(1.0) + Ln(F(DOWNLOADS) + Value(1.0)) * Value(0.1)
    return ExpressionWrapper(fit * push, output_field=FloatField())
