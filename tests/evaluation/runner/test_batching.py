"""Batches: budget, order, preparation ahead, and what happens when memory runs out."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.runner.batching import AHEAD, BatchRunner, Budget, OutOfMemory, ahead, plan
from evaluation.runner.failures import RunFailed

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200)


@given(LENGTHS, st.integers(8, 4096), st.integers(1, 64))
def test_every_item_is_in_one_batch_within_the_budget_and_longest_first(lengths, tokens, items):
    budget = Budget(tokens=tokens, items=items)

    batches = plan(lengths, budget)

    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= items
        assert len(batch) == 1 or budget.padded(lengths[batch[0]]) * len(batch) <= tokens
    order = [lengths[index] for batch in batches for index in batch]
    assert order == sorted(order, reverse=True)


def test_equal_lengths_keep_their_order():
    assert plan([5, 9, 5, 9], Budget(tokens=32, items=9)) == [[1, 3], [0, 2]]


class LimitedMemory:
    """A device that holds so many padded tokens at once, and counts what it was asked."""

    def __init__(self, lengths, budget, holds):
        self.lengths, self.budget, self.holds, self.tried = lengths, budget, holds, []

    def compute(self, indexes):
        size = self.budget.padded(max(self.lengths[index] for index in indexes)) * len(indexes)
        self.tried.append(size)
        if size > self.holds:
            raise OutOfMemory("injected")
        return [f"item {index}" for index in indexes]


def driven(lengths, budget, holds):
    memory = LimitedMemory(lengths, budget, holds)
    recovered = []
    driver = BatchRunner(
        lengths=lengths,
        budget=budget,
        prepare=lambda indexes: indexes,
        compute=memory.compute,
        recover=lambda: recovered.append(True),
    )
    found = {}
    for indexes, results in driver.run(plan(lengths, Budget(budget.tokens, budget.items))):
        found.update(zip(indexes, results, strict=True))
    return driver, memory, recovered, found


@given(LENGTHS, st.integers(304, 5000))
def test_running_out_of_memory_halves_the_budget_and_changes_no_result(lengths, holds):
    driver, memory, recovered, found = driven(lengths, Budget(tokens=8192, items=64), holds)

    assert found == {index: f"item {index}" for index in range(len(lengths))}
    assert driver.halvings == len(recovered) == sum(size > holds for size in memory.tried)


def test_a_smaller_budget_holds_for_all_later_batches():
    driver, memory, _, _ = driven([100] * 400, Budget(tokens=8320, items=64), 2100)

    assert memory.tried[0] > 2100  # the probe
    assert sum(size > 2100 for size in memory.tried) == driver.halvings == 2
    assert driver.budget.tokens == 8320 // 4


def test_one_item_that_does_not_fit_fails_the_run_with_a_reason():
    with pytest.raises(RunFailed, match="One item of 300 tokens") as failed:
        driven([300, 10], Budget(tokens=8192, items=64), 200)

    assert failed.value.reason == "does_not_fit"


def test_two_batches_are_prepared_ahead_on_another_thread_and_not_more():
    prepared, threads = [], set()

    def prepare(indexes):
        prepared.append(indexes[0])
        threads.add(threading.current_thread().name)
        return indexes

    seen = []
    for indexes, _ in ahead([[number] for number in range(10)], prepare):
        time.sleep(0.02)
        seen.append(indexes[0])
        assert len(prepared) <= len(seen) + AHEAD + 1

    assert seen == list(range(10))
    assert threads == {"prepare batches"}


def test_an_error_while_preparing_surfaces_at_the_caller_and_no_thread_stays():
    def prepare(indexes):
        if indexes == [3]:
            raise ValueError("bad item")
        return indexes

    with pytest.raises(ValueError, match="bad item"):
        list(ahead([[number] for number in range(10)], prepare))

    assert "prepare batches" not in {thread.name for thread in threading.enumerate()}


def test_a_caller_that_stops_early_leaves_no_thread():
    batches = ahead([[number] for number in range(100)], lambda indexes: indexes)
    next(batches)

    batches.close()

    assert "prepare batches" not in {thread.name for thread in threading.enumerate()}
