"""Accuracy."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


def hits(gold: Ints, predicted: Ints) -> Floats:
    """1 for each item with the right label, else 0; accuracy is the mean."""
    return np.equal(gold, predicted).astype(np.float64)
