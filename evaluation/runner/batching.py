"""Batches of like lengths under a token budget, prepared ahead, halved when memory runs out (notes 4.4–4.6)."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import compress
from typing import Generic, TypeVar

from evaluation.runner.failures import RunFailed

AHEAD = 2  # batches prepared in the background
PAD_TO = 8  # lengths are padded to a multiple, which suits the kernels

B = TypeVar("B")  # a prepared batch
R = TypeVar("R")  # the result of one item


class OutOfMemory(Exception):
    """One batch did not fit; the same process can go on with a smaller one."""


@dataclass
class Budget:
    """How much one batch may hold: `tokens` after padding, and `items`."""

    tokens: int
    items: int
    pad_to: int = PAD_TO
    same_length: bool = False  # only items of one length share a batch: shapes that padding would change

    def padded(self, length: int) -> int:
        return -(-max(length, 1) // self.pad_to) * self.pad_to

    def fits(self, longest: int, count: int) -> bool:
        """Whether `count` items fit, padded to the longest. One item always may try."""
        return count == 1 or (count <= self.items and self.padded(longest) * count <= self.tokens)

    def halve(self) -> None:
        self.tokens = max(1, self.tokens // 2)
        self.items = max(1, self.items // 2)


def plan(lengths: Sequence[int], budget: Budget, among: Sequence[int] | None = None) -> list[list[int]]:
    """Indexes grouped into batches, longest first, so that the first batch is the memory probe."""
    chosen = range(len(lengths)) if among is None else among
    batches: list[list[int]] = []
    for index in sorted(chosen, key=lambda index: -lengths[index]):  # stable
        longest = lengths[batches[-1][0]] if batches else 0
        joins = longest == lengths[index] or not budget.same_length
        if batches and joins and budget.fits(longest, len(batches[-1]) + 1):
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


@dataclass
class BatchRunner(Generic[B, R]):
    """Drives batches through a model.

    prepare: indexes → batch, on the CPU; called on a background thread.
    compute: batch → one result per item in the same order. Raises OutOfMemory.
    recover: frees what a failed batch left behind.
    workers: so many threads prepare and compute a batch each, where a CPU is the device and both may be called at once;
        threads that share each operation wait for each other after each, and while the next batch is prepared.
    begin_worker: called first on each of them.
    """

    lengths: Sequence[int]
    budget: Budget
    prepare: Callable[[list[int]], B]
    compute: Callable[[B], list[R]]
    recover: Callable[[], None] = lambda: None
    unit: str = "tokens"
    workers: int = 1
    begin_worker: Callable[[], None] = lambda: None
    batches_run: int = 0
    halvings: int = 0

    def run(self, batches: Sequence[list[int]]) -> Iterator[tuple[list[int], list[R]]]:
        """Each batch's indexes and results; what was split for lack of memory is joined again.

        Raises:
            RunFailed: does_not_fit, when a single item does not fit.
        """
        # What is larger than the budget has the memory to itself: single items, which come first.
        alone = [self.workers == 1 or self._is_oversized(indexes) for indexes in batches]
        for indexes, batch in ahead(list(compress(batches, alone)), self.prepare):
            # The budget may have shrunk since this batch was prepared.
            yield indexes, self._attempt(indexes, batch) if self._fits(indexes) else self._in_parts(indexes)
        yield from self._side_by_side(
            [indexes for indexes, is_alone in zip(batches, alone, strict=True) if not is_alone]
        )

    def _side_by_side(self, batches: Sequence[list[int]]) -> Iterator[tuple[list[int], list[R]]]:
        """In order; once memory runs out, what is left is computed one by one."""
        with ThreadPoolExecutor(self.workers, "compute batches", self.begin_worker) as pool:
            futures = [pool.submit(self._computed, indexes) for indexes in batches]
            try:
                for indexes, future in zip(batches, futures, strict=True):
                    results = None if future.cancelled() else future.result()
                    if results is None:
                        _stop(futures)
                        self.recover()
                        yield indexes, self._in_parts(indexes)
                    else:
                        self.batches_run += 1
                        yield indexes, results
            finally:
                pool.shutdown(cancel_futures=True)

    def _computed(self, indexes: list[int]) -> list[R] | None:
        """None where it did not fit beside the others."""
        try:
            return self.compute(self.prepare(indexes))
        except OutOfMemory:
            return None

    def _is_oversized(self, indexes: list[int]) -> bool:
        return self.budget.padded(self._longest(indexes)) > self.budget.tokens

    def _attempt(self, indexes: list[int], batch: B) -> list[R]:
        self.batches_run += 1
        try:
            return self.compute(batch)
        except OutOfMemory as error:
            if len(indexes) == 1:
                raise RunFailed(
                    "does_not_fit",
                    f"One item of {self._longest(indexes)} {self.unit} alone needs more memory than this node has.",
                ) from error
        del batch
        self.recover()
        while self._fits(indexes):
            self.budget.halve()
        self.halvings += 1
        return self._in_parts(indexes)

    def _in_parts(self, indexes: list[int]) -> list[R]:
        """The same results from smaller batches, under a budget that may shrink on the way."""
        found: dict[int, R] = {}
        for part in plan(self.lengths, self.budget, among=indexes):
            results = self._attempt(part, self.prepare(part)) if self._fits(part) else self._in_parts(part)
            found.update(zip(part, results, strict=True))
        return [found[index] for index in indexes]

    def _fits(self, indexes: list[int]) -> bool:
        return self.budget.fits(self._longest(indexes), len(indexes))

    def _longest(self, indexes: list[int]) -> int:
        return max(self.lengths[index] for index in indexes)


def _stop(futures: Sequence[Future[R]]) -> None:
    """Nothing runs any more, and what was not begun never will."""
    for future in futures:
        future.cancel()
    wait([future for future in futures if not future.cancelled()])


def ahead(batches: Sequence[list[int]], prepare: Callable[[list[int]], B]) -> Iterator[tuple[list[int], B]]:
    """Prepares up to `AHEAD` batches on a thread while the caller computes; errors surface at the caller."""
    prepared: queue.Queue[tuple[list[int], B] | BaseException | None] = queue.Queue(maxsize=AHEAD)
    stopped = threading.Event()

    def offer(item: "tuple[list[int], B] | BaseException | None") -> bool:
        while not stopped.is_set():
            try:
                prepared.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for indexes in batches:
                if not offer((indexes, prepare(indexes))):
                    return
            offer(None)
        except BaseException as error:  # noqa: BLE001 (carried over to the caller, who raises it)
            offer(error)

    thread = threading.Thread(target=work, name="prepare batches", daemon=True)
    thread.start()
    try:
        while (item := prepared.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
