"""Confusion matrix, from which macro F1 and MCC follow."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


def confusion(gold: Ints, predicted: Ints, classes: int, weights: Floats | None = None) -> Floats:
    """(classes, classes) counts: rows are the truth, columns the prediction."""
    cells = np.bincount(gold * classes + predicted, weights=weights, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(float)
