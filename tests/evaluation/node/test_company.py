"""Several runs of one model in one process: shared start and load, separate ends."""

import contextlib
import json
import time

import psutil
import pytest

from evaluation.node import company
from tests.evaluation.node.test_agent import runners


@pytest.fixture
def beside(hub, run_of):
    """A function that queues a first run and others of the same model that may share its process."""

    def queue(model, *others, **changes):
        """The runs; `others` are changes of the limits, or of the spec where they name its parts."""
        runs = [run_of(model, run_id=10, **changes)]
        for number, own in enumerate(others, start=11):
            run = run_of(model, run_id=number, **{name: value for name, value in own.items() if name != "request"})
            run.beside = 10
            run.spec |= {"request": own["request"]} if "request" in own else {}
            runs.append(run)
        for run in reversed(runs):  # companions are there before the first is claimed
            hub.queue(run)
        return runs

    return queue


def facts_of(run):
    return json.loads(run.outputs["measurements.json"])


def wait_until(met, seconds=120):
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_runs_of_one_model_start_and_load_once_and_answer_as_they_do_alone(hub, node, run_of, small_model, beside):
    started = node()
    alone = hub.queue(run_of(small_model, run_id=1))
    alone.wait_for("scoring", "failed")

    together = beside(small_model, {}, {})
    for run in together:
        run.wait_for("scoring", "failed")

    assert [run.failure for run in together] == [None] * 3
    assert [facts_of(run)["load"] for run in together] == ["cold", "warm", "warm"]
    assert [facts_of(run)["process"]["runs_before"] for run in together] == [0, 1, 2]
    assert len({facts_of(run)["process"]["start_seconds"] for run in together}) == 1
    assert [facts_of(run)["peak"]["rss_bytes"] is None for run in together] == [False, True, True]
    assert {run.outputs["predictions.jsonl"] for run in together} == {alone.outputs["predictions.jsonl"]}
    assert [run.claims for run in together] == [1, 1, 1]
    # The third was heard of while it waited, and no file was fetched twice.
    assert together[2].heartbeats[0]["phase"] == "waiting"
    assert hub.downloads["model.safetensors"] == [0]
    started.end()
    assert list(started.agent.runs.iterdir()) == []


def test_of_several_that_fail_each_fails_for_itself_and_those_behind_go_on(node, small_model, beside):
    node()

    first, odd, hungry, last = beside(small_model, {"request": "juggle"}, {"ram_gb": 0.05}, {})
    for run in (first, odd, hungry, last):
        run.wait_for("scoring", "failed")

    assert (first.failure, last.failure) == (None, None)
    assert odd.failure["reason"] == "unsupported"
    assert hungry.failure["reason"] == "does_not_fit"  # first beside others, then by itself
    assert "0.05 GB of memory" in hungry.failure["message"]
    assert (odd.outputs, hungry.outputs) == ({}, {})


@pytest.mark.slow
def test_one_that_takes_too_long_fails_and_those_behind_it_get_a_new_process(node, medium_model, beside):
    node()

    first, slow, last = beside(medium_model, {"minutes": 0.01 / 60}, {})
    for run in (first, slow, last):
        run.wait_for("scoring", "failed")

    assert (first.failure, last.failure) == (None, None)
    assert slow.failure["reason"] == "timeout"
    assert slow.outputs == {}
    assert facts_of(last)["process"]["runs_before"] == 0


@pytest.mark.slow
def test_one_whose_process_dies_is_tried_by_itself_before_it_is_given_up(node, medium_model, beside):
    node()
    first, second, last = beside(medium_model, {}, {})
    second.wait_for_phase("running")

    for process in runners():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    for run in (first, second, last):
        run.wait_for("scoring", "failed")

    # What killed it may have been another's doing; by itself it is well, and goes on where it was.
    assert [run.failure for run in (first, second, last)] == [None] * 3
    assert facts_of(second)["process"]["runs_before"] == 0
    assert facts_of(last)["process"]["runs_before"] == 1


@pytest.mark.parametrize("how", ["lost", pytest.param("cancelled", marks=pytest.mark.slow)])
def test_one_that_nobody_waits_for_any_more_ends_alone(node, medium_model, beside, how):
    node()
    first, second, last = beside(medium_model, {}, {})
    second.wait_for_phase("running")

    second.cancel, second.lease_lost = how == "cancelled", how == "lost"
    for run in (first, last):
        run.wait_for("scoring", "failed")

    assert (first.failure, last.failure) == (None, None)
    assert (second.failure, second.outputs, second.completed) == (None, {}, None)


@pytest.mark.slow
def test_one_cancelled_while_it_waits_is_never_computed(node, medium_model, beside):
    node()
    first, second, last = beside(medium_model, {}, {})
    first.wait_for_phase("running")

    second.cancel = True
    for run in (first, last):
        run.wait_for("scoring", "failed")

    assert (first.failure, last.failure) == (None, None)
    assert {beat["phase"] for beat in second.heartbeats} <= {"waiting", "loading"}
    assert second.outputs == {}


@pytest.mark.slow
def test_a_stopped_node_hands_back_what_had_not_begun_and_resumes_the_one_that_had(hub, node, medium_model, beside):
    started = node()
    first, last = beside(medium_model, {})
    wait_until(lambda: any(beat["phase"] == "running" and beat["done"] > 0 for beat in first.heartbeats))

    started.end()

    assert first.failure["reason"] == "lost"
    assert (last.handed_back, last.failure, last.state) == (1, None, "queued")
    assert runners() == []
    first.failure, first.state = None, "queued"
    node()
    for run in (first, last):
        run.wait_for("scoring", "failed")
    assert (first.failure, last.failure) == (None, None)
    assert facts_of(first)["items_resumed"] > 0


@pytest.mark.slow
def test_what_has_not_begun_in_time_goes_back_to_the_queue(node, small_model, beside, monkeypatch):
    monkeypatch.setattr(company, "LONGEST_SECONDS", 0.0)
    node()
    first, last = beside(small_model, {})

    first.wait_for("scoring", "failed")
    wait_until(lambda: last.handed_back)

    assert (first.failure, last.failure) == (None, None)
    assert first.outputs
    assert last.outputs == {}


@pytest.mark.slow
def test_no_more_share_a_process_than_may(node, small_model, beside, monkeypatch):
    monkeypatch.setattr(company, "MOST_RUNS", 2)
    node()
    runs = beside(small_model, {}, {})

    for run in runs[:2]:
        run.wait_for("scoring", "failed")

    assert [run.claims for run in runs] == [1, 1, 0]
