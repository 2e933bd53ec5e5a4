"""Reciprocal rank."""

from evaluation.metrics.arrays import Floats, Ints


def reciprocal_rank(ranks: Ints) -> Floats:
    """One divided by the rank of the right answer; MRR is the mean."""
    return 1.0 / ranks
