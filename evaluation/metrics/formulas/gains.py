"""What stands at each place of a ranking, and measures of it. Source: trec_eval, whose numbers these are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.metrics.arrays import Floats, Ints

DEPTH = 100  # places that are looked at
NOWHERE = 2**62  # the rank of what a query without any right answer looks for


@dataclass(frozen=True)
class Gains:
    """One row per query.

    Attributes:
        first: (n,) the rank of the best right answer, from 1; `NOWHERE` where there is none.
        found: (n, DEPTH) the grade of what stands at each place; 0 for a wrong answer.
        best: (n, DEPTH) the same for the best of all rankings.
        right: (n,) right answers there are.
    """

    first: Ints
    found: Floats
    best: Floats
    right: Ints


def gains_of(ranks: Sequence[Ints], grades: Sequence[Sequence[float]]) -> Gains:
    """Args: for each query the ranks of its right answers, and their grades (more than 0) in the same order."""
    count = len(ranks)
    found, best = np.zeros((count, DEPTH)), np.zeros((count, DEPTH))
    first, right = np.full(count, NOWHERE, dtype=np.int64), np.zeros(count, dtype=np.int64)
    for row, (places, worth) in enumerate(zip(ranks, grades, strict=True)):
        if len(places) == 0:
            continue
        first[row], right[row] = places.min(), len(places)
        near = places <= DEPTH
        values = np.asarray(worth, dtype=float)
        found[row, places[near] - 1] = values[near]
        ideal = np.sort(values)[::-1][:DEPTH]
        best[row, : len(ideal)] = ideal
    return Gains(first, found, best, right)


def average_precision_at(found: Floats, right: Ints, cutoff: int) -> Floats:
    """(n,) The precision at the place of each right answer down to `cutoff`, summed and divided by all there are."""
    hits = found[:, :cutoff] > 0
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    found_precision: Floats = (precision * hits).sum(axis=1) / np.maximum(right, 1)
    return found_precision


def share_found_at(found: Floats, right: Ints, cutoff: int) -> Floats:
    """(n,) How much of what is right stands above `cutoff`: recall, as trec_eval means it."""
    shares: Floats = (found[:, :cutoff] > 0).sum(axis=1) / np.maximum(right, 1)
    return shares
