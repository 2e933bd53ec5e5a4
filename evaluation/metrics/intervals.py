"""How sure a number is: Wilson, t, both with clusters, and the percentile bootstrap (evaluation-notes 6)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.distributions import normal_quantile, t_quantile
from evaluation.metrics.drawing import MOST_GROUPS, Draws
from evaluation.metrics.totals import MOST_NUMBERS, Totals, V


@dataclass(frozen=True)
class Interval:
    low: float
    high: float
    method: str  # wilson, t, bootstrap; "clustered …" where items of one cluster share their fate


def wilson(share: float, n: float, level: float) -> tuple[float, float]:
    """Never beyond 0 and 1, nor on one side of the share itself, whatever rounding does."""
    low, high = (float(bound[0]) for bound in wilson_bounds(np.array([share]), n, level))
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def wilson_bounds(shares: Floats, n: float, level: float) -> tuple[Floats, Floats]:
    """Of many shares at once. Source: Wilson 1927. `n` may be fractional: an effective number."""
    z = normal_quantile(0.5 + level / 2)
    middle = (shares + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(shares * (1 - shares) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def proportion_interval(hits: Floats, clusters: Ints | None, level: float) -> Interval:
    """For a mean of zeros and ones. Clusters lower the number of items that count as independent."""
    share, n = float(hits.mean()), len(hits)
    if clusters is None:
        return Interval(*wilson(share, n, level), method="wilson")
    groups = int(clusters.max()) + 1
    error = _clustered_error(hits, clusters)
    # When all agree, nothing shows how much a cluster shares: count each cluster once.
    effective = share * (1 - share) / error**2 if error > 0 else float(groups)
    return Interval(*wilson(share, min(max(effective, 1.0), n), level), method="clustered wilson")


def mean_interval(values: Floats, clusters: Ints | None, level: float, bounds: tuple[float, float | None]) -> Interval:
    """For a mean of any numbers, by the central limit theorem; cut off at what the metric can reach."""
    if clusters is None:
        free = len(values) - 1
        error = float(values.std(ddof=1)) / math.sqrt(len(values)) if free else math.inf
    else:
        free = int(clusters.max())
        error = _clustered_error(values, clusters)
    middle = float(values.mean())
    half = t_quantile(free, 0.5 + level / 2) * error if free > 0 else math.inf
    low, high = _within(middle - half, middle + half, bounds)
    return Interval(low, high, method="t" if clusters is None else "clustered t")


def bootstrap_draws(
    statistic: Callable[[Floats], V], n: int, clusters: Ints | None, draws: Draws, *, totals: Totals[V] | None = None
) -> Floats:
    """The statistic on each draw of items, or of whole clusters; a row of it where it is several numbers.

    Equal `n`, clusters and seed give equal draws: those of two models pair up.

    Many items are drawn in bundles, put together by chance: the spread is the same.

    Args:
        statistic: of how often each item was drawn.
        totals: the same statistic as a function of sums, where it is one; equal numbers, many times faster.
    """
    bundled = n if clusters is None and n > MOST_GROUPS else 0
    units_of = draws.bundles(n) if bundled else clusters
    units = n if units_of is None else int(units_of.max()) + 1
    values: list[V] = []
    if totals is not None and units * totals.columns <= MOST_NUMBERS:
        table = totals.of_groups(np.arange(n) if units_of is None else units_of, units)
        for block in draws.blocks(units, bundled):
            values += [totals.value(row) for row in block @ table]
    else:
        for block in draws.blocks(units, bundled):
            values += [statistic(drawn if units_of is None else drawn[units_of]) for drawn in block]
    return np.array(values)


def percentile_interval(draws: Floats, level: float, *, is_clustered: bool) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), method="clustered bootstrap" if is_clustered else "bootstrap")


def bootstrap_means(values: Floats, clusters: Ints | None, *, resamples: int, seed: int) -> Floats:
    """The mean on each draw. Many items are drawn in bundles, put together by chance: the spread is the same."""
    generator = np.random.default_rng(seed)
    if clusters is None and len(values) > MOST_GROUPS:
        clusters = generator.permutation(len(values)) % MOST_GROUPS
    sums = values if clusters is None else np.bincount(clusters, weights=values)
    counts = np.ones(len(values)) if clusters is None else np.bincount(clusters).astype(float)
    means = np.empty(resamples)
    for number in range(resamples):
        drawn = generator.integers(0, len(sums), size=len(sums))
        means[number] = sums[drawn].sum() / counts[drawn].sum()
    return means


def _clustered_error(values: Floats, clusters: Ints) -> float:
    """Standard error of the mean when residuals of one cluster go together. Source: Liang and Zeger 1986."""
    sums = np.bincount(clusters, weights=values - values.mean())
    groups = len(sums)
    if groups < 2:
        return math.inf
    return math.sqrt(float((sums**2).sum()) * groups / (groups - 1)) / len(values)


def _within(low: float, high: float, bounds: tuple[float, float | None]) -> tuple[float, float]:
    top = bounds[1] if bounds[1] is not None else math.inf
    return max(low, bounds[0]), min(high, top)
