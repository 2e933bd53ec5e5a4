"""Batches: budget, order, preparation ahead, and what happens when memory runs out."""

import threading
import time

import pytest
from hypothesis import given, settings
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


def driven(lengths, budget, holds, workers=1):
    memory = LimitedMemory(lengths, budget, holds)
    recovered = []
    driver = BatchRunner(
        lengths=lengths,
        budget=budget,
        prepare=lambda indexes: indexes,
        compute=memory.compute,
        recover=lambda: recovered.append(True),
        workers=workers,
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


@settings(deadline=None)  # a thread starts when the machine lets it
@given(LENGTHS, st.integers(304, 5000), st.integers(2, 4))
def test_workers_give_the_same_results_in_the_same_order_also_when_memory_runs_out(lengths, holds, workers):
    found = driven(lengths, Budget(tokens=8192, items=64), holds, workers)[-1]

    assert found == {index: f"item {index}" for index in range(len(lengths))}
    assert list(found) == [index for batch in plan(lengths, Budget(tokens=8192, items=64)) for index in batch]


def test_one_item_that_does_not_fit_fails_the_run_with_workers_too():
    with pytest.raises(RunFailed, match="One item of 300 tokens") as failed:
        driven([300, 10], Budget(tokens=8192, items=64), 200, workers=2)

    assert failed.value.reason == "does_not_fit"


def of_workers(compute, batches, *, budget=None, prepare=lambda indexes: indexes):
    """What two workers make of batches of one item each."""
    lengths, begun = [1] * 100, []
    budget = budget or Budget(tokens=8, items=1)
    driver = BatchRunner(lengths, budget, prepare, compute, workers=2, begin_worker=lambda: begun.append(True))
    return driver.run(batches), begun


def test_two_workers_compute_at_the_same_time_and_each_is_told_when_it_begins():
    together = threading.Barrier(2, timeout=60)  # neither passes it alone

    def compute(indexes):
        together.wait()
        return [threading.current_thread().name]

    results, begun = of_workers(compute, [[number] for number in range(10)])

    names = {names[0] for _, names in results}
    assert names == {"compute batches_0", "compute batches_1"}
    assert len(begun) == 2


def test_an_item_larger_than_the_budget_is_computed_while_no_worker_is():
    lengths, running = [50, 5, 5, 5], []

    def compute(indexes):
        running.append((indexes[0], threading.current_thread().name.startswith("compute batches")))
        return [indexes[0]]

    driver = BatchRunner(lengths, Budget(tokens=8, items=1), lambda indexes: indexes, compute, workers=2)

    assert [results for _, results in driver.run([[1], [0], [2], [3]])] == [[0], [1], [2], [3]]
    assert running[0] == (0, False)
    assert sorted(running[1:]) == [(1, True), (2, True), (3, True)]


def test_an_error_on_a_worker_surfaces_at_the_caller_and_no_thread_stays():
    def prepare(indexes):
        if indexes == [3]:
            raise ValueError("bad item")
        return indexes

    results, _ = of_workers(lambda indexes: [indexes[0]], [[number] for number in range(50)], prepare=prepare)

    with pytest.raises(ValueError, match="bad item"):
        list(results)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("compute batches")]


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
