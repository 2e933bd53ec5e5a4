"""Precision, recall and F1 of classes, and their means. Source: scikit-learn, average="macro", zero_division=0."""

from collections.abc import Callable

import numpy as np

from evaluation.metrics.arrays import Floats


def macro_f1(matrix: Floats) -> float:
    """F1 of each class that occurs in truth or prediction, averaged with equal weight."""
    occurrences = matrix.sum(axis=0) + matrix.sum(axis=1)
    present = occurrences > 0
    return float(np.mean(2 * np.diag(matrix)[present] / occurrences[present]))


def macro_precision(matrix: Floats) -> float:
    return _mean_of(precision, matrix)


def macro_recall(matrix: Floats) -> float:
    return _mean_of(recall, matrix)


def precision(matrix: Floats, number: int) -> float:
    """Of the items given this class the share that has it; 0 where none was."""
    return _share(matrix[number, number], matrix[:, number].sum())


def recall(matrix: Floats, number: int) -> float:
    """Of the items of this class the share that was given it; 0 where there is none."""
    return _share(matrix[number, number], matrix[number].sum())


def f1(matrix: Floats, number: int) -> float:
    return _share(2 * matrix[number, number], matrix[number].sum() + matrix[:, number].sum())


def _mean_of(measure: Callable[[Floats, int], float], matrix: Floats) -> float:
    """Over the classes that occur in truth or prediction."""
    present = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    return float(np.mean([measure(matrix, int(number)) for number in present]))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
