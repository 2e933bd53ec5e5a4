"""Two models on the same items: how far apart they are, and whether that may be chance (evaluation-notes 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.columns import Column
from evaluation.metrics.distributions import binomial_probability
from evaluation.metrics.intervals import bootstrap_means, wilson_bounds


@dataclass(frozen=True)
class Difference:
    """The first minus the second, in the unit of the metric."""

    value: float
    low: float
    high: float
    p: float  # of no difference at all
    test: str  # how `p` was found
    n: int  # items both answered
    only_first: int | None = None  # 0/1 metrics: items that the first alone gets right
    only_second: int | None = None

    @property
    def is_tie(self) -> bool:
        return self.low <= 0 <= self.high


MCNEMAR: Final = "McNemar, exact"
RESAMPLES: Final = 10_000  # of a mean; cheap, and gives p-values down to 0.0002


def compare(first: Column, second: Column, clusters: Ints | None, *, level: float, seed: int) -> Difference:
    """Paired, by the kind of the metric. Both columns are of one definition, hence of the same items and draws."""
    if first.kind == "draws":
        raise ValueError("draws have no value of their own: compare_draws")
    apart = first.values - second.values
    if clusters is None and is_binary(first.values) and is_binary(second.values):
        return _of_hits(first.values, second.values, level)
    means = bootstrap_means(apart, clusters, resamples=RESAMPLES, seed=seed)
    return _of_draws(float(apart.mean()), means, len(apart), is_clustered=clusters is not None, level=level)


def compare_draws(values: tuple[float, float], first: Column, second: Column, n: int, *, level: float) -> Difference:
    """Corpus metrics: both were computed on the same draws of items, so their differences are draws, too."""
    return _of_draws(values[0] - values[1], first.values - second.values, n, is_clustered=False, level=level)


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Two-sided exact p of McNemar's test: a fair coin for each item that exactly one gets right."""
    fewer, either = min(only_first, only_second), only_first + only_second
    return min(1.0, 2 * binomial_probability(fewer, either, 0.5)) if either else 1.0


def paired_share_interval(
    both: int, only_first: int, only_second: int, neither: int, level: float
) -> tuple[float, float]:
    """Interval of the difference of two shares on the same items. Source: Newcombe 1998, method 10."""
    n = both + only_first + only_second + neither
    shares = (both + only_first) / n, (both + only_second) / n
    low, high = newcombe(np.array([shares[0]]), np.array([shares[1]]), np.array([float(both)]), n, level)
    return float(low[0]), float(high[0])


def newcombe(first: Floats, second: Floats, both: Floats, n: int, level: float) -> tuple[Floats, Floats]:
    """The same for many pairs at once: shares of either, and how many items both get right."""
    phi = _phi(np.round(first * n), np.round(second * n), both, n)
    bounds_of_first, bounds_of_second = wilson_bounds(first, n, level), wilson_bounds(second, n, level)
    below = first - bounds_of_first[0], bounds_of_second[1] - second
    above = bounds_of_first[1] - first, second - bounds_of_second[0]
    down = np.sqrt(np.maximum(below[0] ** 2 - 2 * phi * below[0] * below[1] + below[1] ** 2, 0))
    up = np.sqrt(np.maximum(above[0] ** 2 - 2 * phi * above[0] * above[1] + above[1] ** 2, 0))
    return first - second - down, first - second + up


def holm(probabilities: Sequence[float]) -> list[float]:
    """Adjusted p-values of one table. Source: Holm 1979."""
    order = sorted(range(len(probabilities)), key=lambda at: probabilities[at])
    adjusted, reached = [0.0] * len(order), 0.0
    for rank, at in enumerate(order):
        reached = max(reached, min(1.0, (len(order) - rank) * probabilities[at]))
        adjusted[at] = reached
    return adjusted


def is_binary(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _of_hits(first: Floats, second: Floats, level: float) -> Difference:
    n, hits = len(first), (int(first.sum()), int(second.sum()))
    both = int((first * second).sum())
    only_first, only_second = hits[0] - both, hits[1] - both
    low, high = paired_share_interval(both, only_first, only_second, n - both - only_first - only_second, level)
    return Difference(
        value=(hits[0] - hits[1]) / n,
        low=low,
        high=high,
        p=mcnemar_p(only_first, only_second),
        test=MCNEMAR,
        n=n,
        only_first=only_first,
        only_second=only_second,
    )


def _of_draws(value: float, draws: Floats, n: int, *, is_clustered: bool, level: float) -> Difference:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    below, above = int((draws <= 0).sum()), int((draws >= 0).sum())
    p = 2 * (1 + min(below, above)) / (1 + len(draws))
    test = "clustered paired bootstrap" if is_clustered else "paired bootstrap"
    return Difference(value=value, low=float(low), high=float(high), p=min(1.0, p), test=test, n=n)


def _phi(first: Floats, second: Floats, both: Floats, n: int) -> Floats:
    """Correlation of two 0/1 columns, with Newcombe's correction for continuity; 0 where one is constant."""
    margins = first * (n - first) * second * (n - second)
    neither = n - first - second + both
    lead = both * neither - (first - both) * (second - both)
    lead = np.where(lead > n / 2, lead - n / 2, np.minimum(lead, 0))
    return np.where(margins > 0, lead / np.sqrt(np.where(margins > 0, margins, 1)), 0.0)
