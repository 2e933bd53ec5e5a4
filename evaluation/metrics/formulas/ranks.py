"""Where the right answer stands among all candidates."""

from collections.abc import Sequence

import numpy as np

from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.vectors import units

AT_ONCE = 1024  # queries per block, which bounds the memory of the similarity matrix
TIE_DIGITS = 9  # similarities that agree so far are one tie, whatever order they were summed in


def cosine_ranks(queries: Floats, candidates: Floats, targets: Sequence[Sequence[int]]) -> Ints:
    """The rank, from 1, of each query's best target; a wrong candidate that ties stands before it.

    Args:
        queries, candidates: (n, width) and (m, width) vectors of any length; a zero vector is similar to nothing.
        targets: for each query the indexes of its right candidates.
    """
    left, right = units(queries), units(candidates)
    ranks = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), AT_ONCE):
        similar = np.round(left[start : start + AT_ONCE] @ right.T, TIE_DIGITS)
        for row, line in enumerate(similar):
            own = list(targets[start + row])
            best = line[own].max()
            ranks[start + row] = 1 + (line >= best).sum() - (line[own] >= best).sum()
    return ranks
