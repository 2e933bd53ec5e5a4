"""Brier score for any number of classes. Source: scikit-learn, brier_score_loss(scale_by_half=False)."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


def brier(gold: Ints, probabilities: Floats) -> Floats:
    """Per item: the squared distance of the probabilities from the truth, 0 to 2."""
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(gold)), gold] = 1.0
    distances: Floats = ((probabilities - truth) ** 2).sum(axis=1)
    return distances
