"""Lists of runs: what happened lately, as far as the reader may know of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from catalog.models import Repo, User
from catalog.queries.paging import LARGEST_PAGE, Cursor, Page
from evaluation.models import Benchmark, Run
from evaluation.models.run import RunQuerySet

PAGE: Final = 30
_LIST: Final = "runs"


@dataclass(frozen=True)
class RunFilter:
    """Which runs; None and "" do not narrow."""

    repo: Repo | None = None
    benchmark: Benchmark | None = None
    state: str = ""
    requester: User | None = None


def find_runs(
    *,
    user: User | None,
    wanted: RunFilter | None = None,
    cursor: str = "",
    limit: int = PAGE,
    attempts: bool = False,
) -> Page[Run]:
    """Newest first; repo, benchmark, node and requester at hand, scores fetched in one query.

    Args:
        attempts: fetch these, too.

    Raises:
        InvalidCursor
    """
    wanted = wanted or RunFilter()
    runs = Run.objects.visible_to(user).select_related("repo__namespace", "benchmark", "node", "requester")
    if wanted.repo is not None:
        runs = runs.filter(repo=wanted.repo)
    if wanted.benchmark is not None:
        runs = runs.filter(benchmark__slug=wanted.benchmark.slug)
    if wanted.requester is not None:
        runs = runs.filter(requester=wanted.requester)
    if wanted.state:
        runs = runs.filter(state=wanted.state)
    if cursor:
        runs = runs.filter(pk__lt=Cursor.unseal(cursor, _LIST).keys[0])
    limit = max(1, min(limit, LARGEST_PAGE))
    rows = list(
        runs.defer("log")
        .prefetch_related("scores", *(["attempts__node"] if attempts else []))
        .order_by("-pk")[: limit + 1]
    )
    more = Cursor((rows[limit - 1].pk,)).seal(_LIST) if len(rows) > limit else None
    return Page(rows[:limit], more)


def attempts_of(repo: Repo, benchmark: Benchmark) -> int:
    """How often this model was measured on this benchmark, whatever came of it: shown, so nobody picks the best."""
    return _own_runs(repo).filter(benchmark__slug=benchmark.slug).count()


def attempts_by_benchmark(repo: Repo) -> Counter[str]:
    """The same for every benchmark at once, by slug."""
    return Counter(_own_runs(repo).values_list("benchmark__slug", flat=True))


def _own_runs(repo: Repo) -> RunQuerySet:
    """Those that measure the model; as a sentinel it measures nodes."""
    return Run.objects.filter(repo=repo, kind=Run.Kind.FULL)
