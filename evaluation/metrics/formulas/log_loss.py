"""Log loss. Source: scikit-learn, log_loss."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints

SMALLEST = float(np.finfo(np.float64).eps)


def log_loss(gold: Ints, probabilities: Floats) -> Floats:
    """Per item: nats of surprise at the right label, at most 36."""
    own = probabilities[np.arange(len(gold)), gold]
    return -np.log(np.clip(own, SMALLEST, 1 - SMALLEST))
