"""Expected calibration error. Source: Guo et al. 2017, equation 3."""

import numpy as np

from evaluation.metrics.arrays import Floats


def ece(confidence: Floats, right: Floats, bins: int, weights: Floats | None = None) -> float:
    """Mean gap of confidence and accuracy over `bins` equally wide bins (low, high], weighted by their items."""
    weights = np.ones_like(confidence) if weights is None else weights
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=weights * (right - confidence), minlength=bins)
    return float(np.abs(gaps).sum() / weights.sum())
