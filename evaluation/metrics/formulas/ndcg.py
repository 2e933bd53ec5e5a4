"""Normalised discounted cumulative gain. Source: Järvelin and Kekäläinen 2002.

Gains are the grades themselves, as in trec_eval.
"""

import numpy as np

from evaluation.metrics.arrays import Floats


def ndcg_at(found: Floats, best: Floats, cutoff: int) -> Floats:
    """(n,) The discounted gain of each ranking down to the cutoff, as a share of the best possible one.

    Args:
        found, best: (n, places) grades at each place, as `gains.Gains` has them; a query that has no right answer
            gains nothing.
    """
    discounts = 1.0 / np.log2(np.arange(2, cutoff + 2))
    gained, possible = found[:, :cutoff] @ discounts, best[:, :cutoff] @ discounts
    shares: Floats = np.divide(gained, possible, out=np.zeros_like(gained), where=possible > 0)
    return shares
