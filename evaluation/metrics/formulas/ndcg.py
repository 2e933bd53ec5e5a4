"""Normalised discounted cumulative gain for one right answer. Source: Järvelin and Kekäläinen 2002."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


def ndcg_at(ranks: Ints, cutoff: int) -> Floats:
    """The discount of each query's right answer, 0 beyond the cutoff; the ideal gain is 1."""
    return np.where(ranks <= cutoff, 1.0 / np.log2(ranks + 1.0), 0.0)
