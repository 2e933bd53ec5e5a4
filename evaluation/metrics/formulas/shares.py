"""Shares of counts, where nothing to divide by makes 0."""

import numpy as np

from evaluation.metrics.arrays import Floats


def share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0


def shares(parts: Floats, wholes: Floats) -> Floats:
    found: Floats = np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)
    return found


def f1(right: float, found: float, true: float) -> float:
    """Harmonic mean of precision and recall; 0 where there is nothing to find and nothing found."""
    return share(2 * right, found + true)
