"""Top-k accuracy."""

import numpy as np

from evaluation.metrics.arrays import Floats, Ints


def hits_among_top(gold: Ints, probabilities: Floats, k: int) -> Floats:
    """1 for each item whose label is among the `k` most probable; a tie with the last place does not count."""
    own = probabilities[np.arange(len(gold)), gold]
    better = (probabilities >= own[:, None]).sum(axis=1) - 1  # the label itself is not better than itself
    hits: Floats = np.less(better, k).astype(np.float64)
    return hits
