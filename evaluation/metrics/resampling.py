"""Several numbers on the same bootstrap draws, so that what lies between them has an interval (evaluation-notes 6).

Drawn are items, or whole clusters where items belong together, out of all of them at once: numbers of groups that
share no cluster vary apart from each other, numbers on the same items vary together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.benchmarks.schema import MetricUse
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.drawing import MOST_GROUPS, Draws
from evaluation.metrics.intervals import Interval
from evaluation.metrics.samples import Sample
from evaluation.metrics.totals import MOST_NUMBERS

Drawn = Callable[[Floats], Floats]  # (draws, units): how often each was drawn → a number a draw; NaN where of nothing


@dataclass(frozen=True)
class Resampler:
    """One way to draw: `unit_of` says what each item is drawn with."""

    unit_of: Ints
    units: int
    drawn: Draws
    is_clustered: bool

    @classmethod
    def of(cls, sample: Sample, draws: Draws) -> "Resampler":
        """Items by themselves, in bundles put together by chance beyond `MOST_GROUPS`, or clusters."""
        n, clusters = len(sample), sample.clusters
        if clusters is not None:
            return cls(clusters, int(clusters.max()) + 1, draws, is_clustered=True)
        if n > MOST_GROUPS:
            return cls(draws.bundles(n), MOST_GROUPS, draws, is_clustered=False)
        return cls(np.arange(n), n, draws, is_clustered=False)

    def draws(self, numbers: Sequence[Drawn]) -> Floats:
        """(resamples, numbers): all of them on each draw."""
        blocks = self.drawn.blocks(self.units)
        return np.concatenate([np.stack([number(block) for number in numbers], axis=1) for block in blocks])

    def mean(self, values: Floats, chosen: Ints) -> Drawn:
        """The mean over the items at these indexes; `values` are theirs."""
        sums = np.bincount(self.unit_of[chosen], weights=values, minlength=self.units)
        counts = np.bincount(self.unit_of[chosen], minlength=self.units).astype(float)

        def number(block: Floats) -> Floats:
            items = block @ counts
            means: Floats = np.divide(block @ sums, items, out=np.full(len(block), np.nan), where=items > 0)
            return means

        return number

    def metric(self, sample: Sample, use: MetricUse, chosen: Ints | None = None) -> Drawn:
        """A metric over a sample whose items stand at these indexes among all that are drawn; None: it is all."""
        indexes = np.arange(len(sample)) if chosen is None else chosen
        per_item = sample.per_item(use)
        if per_item is not None:
            return self.mean(per_item, indexes)
        units = self.unit_of[indexes]
        present = np.bincount(units, minlength=self.units).astype(float)
        totals = sample.totals(use)
        if totals is not None and self.units * totals.columns <= MOST_NUMBERS:
            table, value = totals.of_groups(units, self.units), totals.value
            return lambda block: _where(block @ present, block @ table, value)
        statistic = sample.statistic(use)
        return lambda block: _where(block @ present, block, lambda drawn: statistic(drawn[units]))

    def interval(self, draws: Floats, level: float) -> Interval | None:
        """Percentiles of the draws on which the number exists; None where it exists on none."""
        known = draws[np.isfinite(draws)]
        if not len(known):
            return None
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(low), float(high), "clustered bootstrap" if self.is_clustered else "bootstrap")


def value_of(sample: Sample, use: MetricUse) -> float:
    """A metric over all items of a sample."""
    per_item = sample.per_item(use)
    return float(per_item.mean()) if per_item is not None else sample.statistic(use)(np.ones(len(sample)))


def _where(items: Floats, rows: Floats, value: Callable[[Floats], float]) -> Floats:
    """The value of each row that stands for some items."""
    return np.array([value(row) if count else np.nan for count, row in zip(items, rows, strict=True)])
