"""Precision, recall and F1 of classes, and their means. Source: scikit-learn, average="macro", zero_division=0."""

import numpy as np

from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.shares import shares


def macro_f1(matrix: Floats) -> float:
    """F1 of each class that occurs in truth or prediction, averaged with equal weight."""
    return macro_f1_of(np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0))


def macro_f1_of(right: Floats, true: Floats, predicted: Floats) -> float:
    """The same from what each class has: right answers, items, predictions."""
    occurrences = true + predicted
    present = occurrences > 0
    return float(np.mean(2 * right[present] / occurrences[present]))


def macro_precision(matrix: Floats) -> float:
    return macro_precision_of(np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0))


def macro_precision_of(right: Floats, true: Floats, predicted: Floats) -> float:
    return _mean_share(right, predicted, true + predicted)


def macro_recall(matrix: Floats) -> float:
    return macro_recall_of(np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0))


def macro_recall_of(right: Floats, true: Floats, predicted: Floats) -> float:
    return _mean_share(right, true, true + predicted)


def precisions(right: Floats, true: Floats, predicted: Floats) -> Floats:
    """Of the items given each class the share that has it; 0 where none was."""
    return shares(right, predicted)


def recalls(right: Floats, true: Floats, predicted: Floats) -> Floats:
    """Of the items of each class the share that was given it; 0 where there is none."""
    return shares(right, true)


def f1s(right: Floats, true: Floats, predicted: Floats) -> Floats:
    return shares(2 * right, true + predicted)


def _mean_share(right: Floats, of: Floats, occurrences: Floats) -> float:
    """Over the classes that occur in truth or prediction; 0 for one that is not among `of`."""
    return float(np.mean(shares(right, of)[occurrences > 0]))
