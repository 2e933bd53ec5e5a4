"""Recall at k, with one right answer sufficing."""

from evaluation.metrics.arrays import Floats, Ints


def recall_at(ranks: Ints, cutoff: int) -> Floats:
    """1 for each query whose right answer is among the first `cutoff`."""
    return (ranks <= cutoff).astype(float)
