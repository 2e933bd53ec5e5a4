"""What it takes to turn one sequence into another: substitutions, deletions, insertions."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ONE_EDIT = 2**32  # the lower half of a cost counts deletions and insertions


class Edits(NamedTuple):
    substitutions: int
    deletions: int
    insertions: int

    @property
    def total(self) -> int:
        return self.substitutions + self.deletions + self.insertions


def edits(reference: Sequence[str], found: Sequence[str]) -> Edits:
    """The fewest edits; among equally short ways the one with the most substitutions. Source: Levenshtein 1966."""
    number = {word: index for index, word in enumerate(dict.fromkeys([*reference, *found]))}
    target = np.array([number[word] for word in found], dtype=np.int64)
    step = ONE_EDIT + 1  # one deletion or insertion
    ladder = np.arange(len(found) + 1, dtype=np.int64) * step
    costs = ladder.copy()
    for word in reference:
        fresh = costs + step
        np.minimum(fresh[1:], costs[:-1] + np.where(target == number[word], 0, ONE_EDIT), out=fresh[1:])
        # Insertions come from the left within the row: a running minimum of the cost less its own insertions.
        costs = np.minimum.accumulate(fresh - ladder) + ladder
    total, gaps = divmod(int(costs[-1]), ONE_EDIT)
    deletions = (gaps + len(reference) - len(found)) // 2
    return Edits(substitutions=total - gaps, deletions=deletions, insertions=gaps - deletions)
