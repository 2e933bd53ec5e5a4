"""Vectors of length 1, whose products are cosines."""

import numpy as np

from evaluation.metrics.arrays import Floats


def units(vectors: Floats) -> Floats:
    """(n, width) vectors divided by their lengths; a zero vector stays one, and is similar to nothing."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: Floats = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return found
