"""Expected calibration error. Source: Guo et al. 2017, equation 3."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


def ece(confidence: Floats, right: Floats, bins: int, weights: Floats | None = None) -> float:
    """Mean gap of confidence and accuracy over `bins` equally wide bins (low, high], weighted by their items."""
    weights = np.ones_like(confidence) if weights is None else weights
    place = places(confidence, bins)
    gaps = np.bincount(place, weights=weights * (right - confidence), minlength=bins)
    return float(np.abs(gaps).sum() / weights.sum())


def places(confidence: Floats, bins: int) -> Ints:
    """The number of the bin each confidence falls into."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
