"""Models beside each other on the same items: the difference, its interval, and whether it may be chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.models import Repo, User
from evaluation.errors import NotComparable
from evaluation.metrics.arrays import Ints
from evaluation.metrics.columns import Column
from evaluation.metrics.pairing import Difference, compare, compare_draws, holm
from evaluation.models import Benchmark, ItemColumn, Run, Score

SIGNIFICANT: Final = 0.05

Columns = dict[tuple[int, str], Column]  # by run and metric; clusters under ""


@dataclass(frozen=True)
class Compared:
    """Two current scores for one metric of one benchmark version."""

    first: Score
    second: Score
    difference: Difference | None  # None: cannot be paired, `why_not` says why
    p_adjusted: float | None = None  # by Holm, over all rows of the table
    why_not: str = ""

    @property
    def benchmark(self) -> Benchmark:
        return self.first.benchmark

    @property
    def verdict(self) -> str:
        """`first`, `second`: better than chance explains, in this table. `tie`, or `unknown` without a difference."""
        if self.difference is None or self.p_adjusted is None:
            return "unknown"
        if self.p_adjusted >= SIGNIFICANT or self.difference.value == 0:
            return "tie"
        return "first" if (self.difference.value > 0) == self.first.higher_is_better else "second"


def compared(
    first: Repo, others: Sequence[Repo], *, user: User | None, benchmark: Benchmark | None = None
) -> list[Compared]:
    """One row per other model and benchmark that both have a current score of; with a benchmark, one per metric.

    Only what this person may see.
    """
    visible = Score.objects.filter(is_current=True, slice="").visible_to(user)
    known = visible.select_related("benchmark", "run", "repo__namespace")
    known = known.filter(benchmark__slug=benchmark.slug) if benchmark else known.filter(is_primary=True)
    rows = known.filter(repo__in=[first, *others]).defer("run__log").order_by("benchmark__title", "-benchmark_id", "pk")
    mine = [score for score in rows if score.repo_id == first.pk]
    theirs = {(score.repo_id, score.benchmark_id, score.metric): score for score in rows}
    pairs = [
        (score, theirs[key])
        for score in mine
        for other in others
        if (key := (other.pk, score.benchmark_id, score.metric)) in theirs
    ]
    columns = columns_of(score.run_id for pair in pairs for score in pair)
    return _adjusted([_compared(own, other, columns) for own, other in pairs])


def columns_of(run_ids: Iterable[int]) -> Columns:
    found = ItemColumn.objects.filter(run_id__in=set(run_ids))
    return {(one.run_id, one.metric): one.column for one in found}


def clusters_in(columns: Columns, run_id: int) -> Ints | None:
    found = columns.get((run_id, ""))
    return None if found is None else found.values.astype("int64")


def have_the_same_items(first: Run, second: Run) -> bool:
    return first.inputs_digest == second.inputs_digest != ""


def _compared(first: Score, second: Score, columns: Columns) -> Compared:
    own, other = (columns.get((score.run_id, score.metric)) for score in (first, second))
    if not have_the_same_items(first.run, second.run):
        return Compared(first, second, None, why_not=_("The two were not asked about the same items."))
    if own is None or other is None or own.kind != other.kind or len(own.values) != len(other.values):
        return Compared(first, second, None, why_not=_("What each item scored was not kept for one of these runs."))
    uncertainty = first.benchmark.definition.get("uncertainty", {})
    level, seed = float(uncertainty.get("level", 0.95)), int(uncertainty.get("seed", 7))
    if own.kind == "draws":
        return Compared(first, second, compare_draws((first.value, second.value), own, other, first.n, level=level))
    clusters = clusters_in(columns, first.run_id)
    return Compared(first, second, compare(own, other, clusters, level=level, seed=seed))


def _adjusted(rows: list[Compared]) -> list[Compared]:
    found = [row for row in rows if row.difference is not None]
    adjusted = holm([row.difference.p for row in found if row.difference is not None])
    by_row = dict(zip(map(id, found), adjusted, strict=True))
    return [dataclasses.replace(row, p_adjusted=by_row.get(id(row))) for row in rows]


def current_run(repo: Repo, benchmark: Benchmark) -> Run:
    """The run behind the current score of a model. Raises `NotComparable` where there is none."""
    found = Score.objects.filter(repo=repo, benchmark=benchmark, is_current=True, is_primary=True, slice="")
    score = found.select_related("run__benchmark", "run__repo__namespace").first()
    if score is None:
        raise NotComparable(
            _("%(model)s has no current score on %(slug)s.") % {"model": repo.full_name, "slug": benchmark.slug}
        )
    return score.run
