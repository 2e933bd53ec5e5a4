"""Matthews correlation for any number of classes. Source: Gorodkin 2004; scikit-learn, matthews_corrcoef."""

import math

import numpy as np

from evaluation.metrics.arrays import Floats


def mcc(matrix: Floats) -> float:
    """-1 to 1; 0 when truth or prediction has one class only."""
    return mcc_of(np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0))


def mcc_of(right: Floats, true: Floats, predicted: Floats) -> float:
    """The same from what each class has: right answers, items, predictions."""
    total = true.sum()
    covariance = right.sum() * total - true @ predicted
    spread = (total**2 - predicted @ predicted) * (total**2 - true @ true)
    return float(covariance / math.sqrt(spread)) if spread > 0 else 0.0
