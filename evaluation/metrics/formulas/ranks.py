"""Where the right answers stand among all candidates."""

from collections.abc import Iterator, Sequence

import numpy as np

from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.vectors import units

LARGEST_BLOCK = 2**24  # similarities at once, which bounds the memory
FEW = 8  # targets of which each is looked for on its own; with more, sorting all candidates is quicker
TIE_DIGITS = 9  # similarities that agree so far are one tie, whatever order they were summed in


def cosine_ranks(queries: Floats, candidates: Floats, targets: Sequence[Sequence[int]]) -> list[Ints]:
    """The ranks, from 1, of all targets of each query; a wrong candidate that ties stands before a right one.

    Args:
        queries, candidates: (n, width) and (m, width) vectors of any length; a zero vector is similar to nothing.
        targets: for each query the indexes of its right candidates; of those that tie, the earlier in this list
            stands before the later.

    Returns:
        For each query the ranks in the order of its targets.
    """
    left, right = units(queries), units(candidates)
    return [
        _ranks(line, np.asarray(own, dtype=np.int64)) for line, own in zip(_lines(left, right), targets, strict=True)
    ]


def _lines(left: Floats, right: Floats) -> Iterator[Floats]:
    """The similarities of each query to all candidates."""
    step = max(1, LARGEST_BLOCK // max(1, len(right)))
    for start in range(0, len(left), step):
        yield from np.round(left[start : start + step] @ right.T, TIE_DIGITS)


def _ranks(line: Floats, own: Ints) -> Ints:
    similar = line[own]
    if len(own) > FEW:
        not_worse = len(line) - np.searchsorted(np.sort(line), similar, side="left")
    else:
        not_worse = np.array([np.count_nonzero(line >= one) for one in similar], dtype=np.int64)
    ordered = np.sort(similar)
    right_not_worse = len(own) - np.searchsorted(ordered, similar, side="left")
    place = np.empty(len(own), dtype=np.int64)  # of each target among the targets, from 1
    place[np.argsort(-similar, kind="stable")] = np.arange(1, len(own) + 1)
    return not_worse - right_not_worse + place
