"""The bootstrap draws of one scoring: made once, read by all its metrics, groups and intervals."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from evaluation.metrics.arrays import Floats, Ints

MOST_GROUPS: Final = 20_000  # drawn one by one; beyond it bundles of items are
MOST_KEPT: Final = 40_000_000  # bytes of one set of draws; a larger one is drawn anew each time
BLOCK: Final = 2_000_000  # numbers handed out at once: a few products of matrices instead of thousands

_Counts = np.ndarray[Any, np.dtype[np.uint8]]


class Draws:
    """How often each unit is drawn, `resamples` times; equal seeds and units give equal draws."""

    def __init__(self, resamples: int, seed: int) -> None:
        self.resamples, self.seed = resamples, seed
        self._bundled: tuple[int, Ints] | None = None  # both keep what was asked for last: metrics ask in turns
        self._kept: tuple[tuple[int, int], _Counts] | None = None

    def bundles(self, n: int) -> Ints:
        """The bundle of each of many items, put together by chance: the spread is that of items."""
        if self._bundled is None or self._bundled[0] != n:
            self._bundled = n, np.random.default_rng(self.seed).permutation(n) % MOST_GROUPS
        return self._bundled[1]

    def blocks(self, units: int, bundled: int = 0) -> Iterator[Floats]:
        """(draws, units) each; all of them in order.

        Args:
            bundled: items that were put into bundles by the same generator before it drew.
        """
        step = max(1, BLOCK // units)
        if units * self.resamples > MOST_KEPT:
            drawn = self._drawn(units, bundled)
            for start in range(0, self.resamples, step):
                yield np.stack([next(drawn) for _ in range(min(step, self.resamples - start))]).astype(float)
            return
        if self._kept is None or self._kept[0] != (units, bundled):
            # One byte each: 255 of one unit happens once in 255! draws.
            counts = np.empty((self.resamples, units), dtype=np.uint8)
            for at, one in enumerate(self._drawn(units, bundled)):
                counts[at] = one
            self._kept = (units, bundled), counts
        counts = self._kept[1]
        for start in range(0, self.resamples, step):
            yield counts[start : start + step].astype(float)

    def _drawn(self, units: int, bundled: int) -> Iterator[Ints]:
        generator = np.random.default_rng(self.seed)
        if bundled:
            generator.permutation(bundled)
        for _ in range(self.resamples):
            yield np.bincount(generator.integers(0, units, size=units), minlength=units)
