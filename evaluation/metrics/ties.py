"""Who is surely ahead of whom on one benchmark, for all pairs of a board at once (evaluation-notes 6).

One matrix product gives what every pair has in common; a loop over pairs of a thousand models would take minutes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.columns import Column
from evaluation.metrics.distributions import normal_quantile, t_quantile
from evaluation.metrics.pairing import is_binary, newcombe

Flags = np.ndarray[Any, np.dtype[np.bool_]]


def ahead(columns: Sequence[Column], clusters: Ints | None, *, level: float, higher_is_better: bool) -> Flags:
    """`[i, j]`: the interval of the difference of i and j on the same items excludes 0, in favour of i.

    Args:
        columns: of one metric and one kind, equally long.
    """
    table = np.stack([column.values for column in columns])
    if columns[0].kind == "draws":
        apart, half = _of_draws(table, level)
    elif clusters is None and is_binary(table):
        return _of_hits(table, level, higher_is_better=higher_is_better)
    else:
        apart, half = _of_means(table, clusters, level)
    found: Flags = apart - half > 0 if higher_is_better else apart + half < 0
    return found


def ahead_by_intervals(lows: Floats, highs: Floats, *, higher_is_better: bool) -> Flags:
    """`[i, j]`: the interval of i lies wholly on the better side of that of j; for scores without common items."""
    found: Flags = lows[:, None] > highs[None, :] if higher_is_better else highs[:, None] < lows[None, :]
    return found


def rank_ranges(is_ahead: Flags) -> list[tuple[int, int]]:
    """For each: the best and the worst rank it can have. Whoever is surely ahead of nobody and behind nobody ties."""
    behind, before = is_ahead.sum(axis=0), is_ahead.sum(axis=1)
    return [(1 + int(behind[at]), len(is_ahead) - int(before[at])) for at in range(len(is_ahead))]


def _of_hits(table: Floats, level: float, *, higher_is_better: bool) -> Flags:
    n = table.shape[1]
    both = table @ table.T
    share = np.diag(both) / n
    first, second = np.broadcast_arrays(share[:, None], share[None, :])
    low, high = newcombe(first, second, both, n, level)
    found: Flags = low > 0 if higher_is_better else high < 0
    return found


def _of_means(table: Floats, clusters: Ints | None, level: float) -> tuple[Floats, Floats]:
    """t-intervals of the mean difference; residuals of one cluster go together (Liang and Zeger 1986)."""
    means, n = table.mean(axis=1), table.shape[1]
    residuals = table - means[:, None]
    if clusters is not None:
        groups = int(clusters.max()) + 1
        residuals = np.stack([np.bincount(clusters, weights=row, minlength=groups) for row in residuals])
    groups = residuals.shape[1]
    if groups < 2:
        return _apart(means), np.full((len(table), len(table)), np.inf)
    error = np.sqrt(_spread(residuals @ residuals.T) * groups / (groups - 1)) / n
    return _apart(means), t_quantile(groups - 1, 0.5 + level / 2) * error


def _of_draws(table: Floats, level: float) -> tuple[Floats, Floats]:
    """Normal intervals with the bootstrap's standard error of the difference."""
    means = table.mean(axis=1)
    residuals = table - means[:, None]
    error = np.sqrt(_spread(residuals @ residuals.T) / (table.shape[1] - 1))
    return _apart(means), normal_quantile(0.5 + level / 2) * error


def _apart(values: Floats) -> Floats:
    return values[:, None] - values[None, :]


def _spread(products: Floats) -> Floats:
    """Squared lengths of all differences of rows, from their products."""
    own = np.diag(products)
    return np.maximum(own[:, None] + own[None, :] - 2 * products, 0)
