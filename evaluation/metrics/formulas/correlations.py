"""Correlations of two columns as functions of how often each row counts."""

from collections.abc import Callable

import numpy as np

from evaluation.metrics.arrays import Floats

Correlation = Callable[[Floats], float]


def pearson(one: Floats, other: Floats) -> Correlation:
    """Pearson's r; 0 where a column is constant among the rows that count."""
    return lambda weights: _pearson(one, other, weights)


def spearman(one: Floats, other: Floats) -> Correlation:
    """Pearson's r of ranks, equal values sharing the mean of theirs."""
    ranked, also = _Ranks(one), _Ranks(other)
    return lambda weights: _pearson(ranked.of(weights), also.of(weights), weights)


class _Ranks:
    """Ranks of one column's rows, which are sorted once."""

    def __init__(self, values: Floats) -> None:
        self.distinct, self.place = np.unique(values, return_inverse=True)

    def of(self, weights: Floats) -> Floats:
        """The mean rank that each row has when it stands there as often as it counts."""
        counts = np.bincount(self.place, weights=weights, minlength=len(self.distinct))
        ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[self.place]
        return ranks


def _pearson(one: Floats, other: Floats, weights: Floats) -> float:
    total = weights.sum()
    x, y = one - weights @ one / total, other - weights @ other / total
    spread = np.sqrt((weights @ (x * x)) * (weights @ (y * y)))
    return float(weights @ (x * y) / spread) if spread > 0 else 0.0
