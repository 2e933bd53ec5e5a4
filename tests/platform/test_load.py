"""Who may hold how many threads of one process: counted in threads that really run."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from marketplace.load import ActorBusyError, Load, ServerBusyError


@contextmanager
def at_work(load: Load, *requests: tuple[str, bool]):
    """Each request holds a thread until the block ends; those refused are listed."""
    refused, done, over = [], threading.Semaphore(0), threading.Event()

    def run(who: str, is_transfer: bool) -> None:
        try:
            load.enter(who, is_transfer=is_transfer)
        except (ActorBusyError, ServerBusyError) as problem:
            refused.append(type(problem))
            done.release()
            return
        done.release()
        over.wait(30)
        load.leave()

    threads = [threading.Thread(target=run, args=request) for request in requests]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert done.acquire(timeout=30)
    try:
        yield refused
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_one_actors_transfers_leave_room_for_others():
    load = Load(24, 16)

    with at_work(load, *[("ann", True)] * 20) as refused:
        load.enter("ann")  # her small requests still pass
        load.enter("bob", is_transfer=True)
        load.leave()

    assert refused == [ActorBusyError] * 4


def test_no_actor_holds_every_thread_with_whatever_requests():
    load = Load(24, 16)

    with at_work(load, *[("ann", False)] * 24) as refused:
        load.enter("bob")
        load.leave()

    assert refused == [ActorBusyError] * 4


def test_transfers_of_all_together_leave_a_sixth_to_small_requests():
    load = Load(24, 16)

    with at_work(load, *[(f"person {number // 4}", True) for number in range(20)]) as refused:
        with pytest.raises(ServerBusyError):
            load.enter("ann", is_transfer=True)
        load.enter("ann")
        with pytest.raises(ServerBusyError):
            load.begin_transfer()
        load.leave()

    assert refused == []


def test_a_download_counts_from_when_its_size_is_known():
    load = Load(6, 2)

    with at_work(load, ("ann", True), ("ann", True)):
        load.enter("ann")
        with pytest.raises(ActorBusyError):
            load.begin_transfer()
        load.leave()
    load.enter("ann")
    load.begin_transfer()
    load.begin_transfer()  # once is enough
    load.leave()


def test_whoever_is_above_their_share_gets_the_place_of_their_next_request_that_ends(monkeypatch):
    monkeypatch.setattr("marketplace.load.PATIENCE_SECONDS", 60.0)
    load = Load(12, 1)
    entered = threading.Event()

    def patient() -> None:
        load.enter("ann", is_transfer=True)
        entered.set()
        load.leave()

    with at_work(load, ("ann", True)):
        waiting = threading.Thread(target=patient)
        waiting.start()
        while not load._waiting:
            threading.Event().wait(0.01)
        assert not entered.is_set()
    waiting.join()

    assert entered.is_set()


def test_the_last_thread_says_that_the_server_is_busy_while_no_other_comes_free(monkeypatch):
    monkeypatch.setattr("marketplace.load.LONG_SECONDS", 0.0)
    load = Load(6, 4)

    with at_work(load, *[(f"person {number}", False) for number in range(5)]), pytest.raises(ServerBusyError):
        load.enter("ann")


def test_many_short_requests_are_no_reason_to_refuse(monkeypatch):
    monkeypatch.setattr("marketplace.load.LONG_SECONDS", 1000.0)
    load = Load(6, 4)

    with at_work(load, *[(f"person {number}", False) for number in range(5)]):
        load.enter("ann")  # the others have only just begun
        load.leave()


def test_what_a_thread_did_before_is_over_when_it_begins_anew():
    load = Load(6, 1)
    for _ in range(3):
        load.enter("ann", is_transfer=True)  # nobody said that the one before ended
    load.leave()


def test_requests_of_nobody_in_particular_are_bounded_by_the_server_alone():
    load = Load(6, 4)

    with at_work(load, *[("", False)] * 5) as refused:
        assert refused == []
