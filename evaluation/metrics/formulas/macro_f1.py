"""Macro F1. Source: scikit-learn, f1_score(average="macro", zero_division=0)."""

import numpy as np

from evaluation.metrics.arrays import Floats


def macro_f1(matrix: Floats) -> float:
    """F1 of each class that occurs in truth or prediction, averaged with equal weight."""
    occurrences = matrix.sum(axis=0) + matrix.sum(axis=1)
    present = occurrences > 0
    return float(np.mean(2 * np.diag(matrix)[present] / occurrences[present]))
