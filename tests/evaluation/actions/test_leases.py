import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from evaluation.actions import leases, recovery, runs, scoring
from evaluation.errors import RunLeaseLost
from evaluation.models import Node, Run
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db
QUEUES = ["eval.cpu"]


def at_once(*calls):
    """Runs the calls in threads of their own, with connections of their own; returns what each gave."""
    found, barrier = [None] * len(calls), threading.Barrier(len(calls))

    def run(index, call):
        try:
            barrier.wait()
            found[index] = call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.django_db(transaction=True)
def test_of_two_nodes_that_claim_at_once_one_gets_the_run():
    run = arrangement.queued()
    first, second = arrangement.node(), arrangement.node()

    found = at_once(
        lambda: leases.claim_run(node=first, queues=QUEUES), lambda: leases.claim_run(node=second, queues=QUEUES)
    )

    assert [taken.pk for taken in found if taken is not None] == [run.pk]
    run.refresh_from_db()
    assert run.attempt == 1


@pytest.mark.django_db(transaction=True)
def test_two_runs_go_to_two_nodes_that_claim_at_once():
    expected = {arrangement.queued().pk, arrangement.queued().pk}
    first, second = arrangement.node(), arrangement.node()

    found = at_once(
        lambda: leases.claim_run(node=first, queues=QUEUES), lambda: leases.claim_run(node=second, queues=QUEUES)
    )

    # The one that comes second skips the locked row and takes the other.
    assert {taken.pk for taken in found if taken is not None} == expected


def test_five_nudges_for_one_run_give_one_lease():
    run, node = arrangement.queued(), arrangement.node()

    found = [leases.claim_run(node=node, queues=QUEUES, run_id=run.pk) for _ in range(5)]

    assert [taken is not None for taken in found] == [True, False, False, False, False]
    run.refresh_from_db()
    assert run.attempt == 1


def test_asked_for_runs_go_before_automatic_ones_and_older_before_newer():
    automatic = arrangement.queued(actor=None, trigger=Run.Trigger.UPLOAD)
    older, newer = arrangement.queued(), arrangement.queued()
    node = arrangement.node()

    order = [leases.claim_run(node=node, queues=QUEUES).pk for _ in range(3)]

    assert order == [older.pk, newer.pk, automatic.pk]


def test_a_node_takes_nothing_from_queues_it_does_not_serve():
    arrangement.queued()

    assert leases.claim_run(node=arrangement.node(), queues=["eval.gpu.16g"]) is None


def test_a_run_of_a_deleted_model_is_not_handed_out():
    run = arrangement.queued()
    run.repo.deleted_at = timezone.now()
    run.repo.save()

    assert leases.claim_run(node=arrangement.node(), queues=QUEUES) is None


def test_a_heartbeat_extends_the_lease_and_shows_progress():
    run = arrangement.claimed()
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=5))
    report = leases.Report(phase="running", done=100, total=300, rate=10.0, log=("first", "se\x00cond\x1b[31m"))

    cancel = leases.heartbeat(**arrangement.grant(run), report=report)

    run.refresh_from_db()
    assert not cancel
    assert run.state == "running"
    assert run.started_at is not None
    assert run.lease_until > timezone.now() + timedelta(seconds=80)
    assert run.progress == {"phase": "running", "done": 100, "total": 300, "rate": 10.0, "eta_seconds": 20}
    assert run.log.splitlines() == ["first", "se cond [31m"]


def test_the_log_keeps_its_last_two_hundred_lines():
    run = arrangement.running()
    for number in range(3):
        lines = tuple(f"{number}.{line}" for line in range(100))
        leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="running", log=lines))

    run.refresh_from_db()
    kept = run.log.splitlines()
    assert (len(kept), kept[0], kept[-1]) == (200, "1.0", "2.99")


@pytest.mark.parametrize(
    "call",
    [
        lambda grant: leases.heartbeat(**grant, report=leases.Report(phase="running")),
        lambda grant: leases.leased_run(**grant),
        lambda grant: leases.complete_run(**grant),
        lambda grant: leases.fail_run(**grant, reason="unsupported", message="no"),
    ],
    ids=["heartbeat", "files", "complete", "fail"],
)
@pytest.mark.parametrize("forged", ["token", "node", "over"])
def test_without_the_lease_nothing_is_possible(call, forged):
    run = arrangement.running()
    grant = arrangement.grant(run)
    if forged == "token":
        grant["lease_token"] = uuid.uuid4()
    elif forged == "node":
        grant["node"] = arrangement.node()
    else:
        leases.fail_run(**grant, reason="unsupported", message="the end")
    before = Run.objects.values().get(pk=run.pk)

    with pytest.raises(RunLeaseLost):
        call(grant)

    assert Run.objects.values().get(pk=run.pk) == before


def test_the_node_of_a_cancelled_run_is_told_to_stop_and_can_hand_in_nothing():
    run = arrangement.running()
    runs.cancel_run(run=run)

    assert leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="running"))
    with pytest.raises(RunLeaseLost):
        leases.complete_run(**arrangement.grant(run))
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_silent_node_loses_its_run_and_another_gets_it():
    lost = arrangement.running(by=arrangement.node("silent"))
    Run.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert recovery.expire_leases() == 1

    lost.refresh_from_db()
    assert (lost.state, lost.reason_code, lost.lease_token) == ("queued", "lost", None)
    assert timedelta(seconds=50) < lost.not_before - timezone.now() < timedelta(seconds=70)
    other = arrangement.node()
    assert leases.claim_run(node=other, queues=QUEUES) is None  # not before a minute has passed
    Run.objects.filter(pk=lost.pk).update(not_before=timezone.now())
    again = leases.claim_run(node=other, queues=QUEUES)
    assert (again.pk, again.attempt, again.reason_code) == (lost.pk, 2, "")


def test_a_node_that_starts_anew_holds_nothing_and_its_run_goes_on_at_once():
    machine, other = arrangement.node(), arrangement.node()
    lost, of_other = arrangement.running(by=machine), arrangement.running(by=other)

    assert recovery.release_leases(machine) == 1

    lost.refresh_from_db()
    of_other.refresh_from_db()
    assert (lost.state, of_other.state) == ("queued", "running")
    assert leases.claim_run(node=machine, queues=QUEUES).pk == lost.pk


def test_a_lease_that_still_runs_is_left_alone():
    run = arrangement.running()

    assert recovery.expire_leases() == 0

    run.refresh_from_db()
    assert run.state == "running"


def test_the_third_lost_attempt_is_the_last():
    run, node = arrangement.queued(), arrangement.node()
    for _ in range(3):
        Run.objects.filter(pk=run.pk).update(not_before=timezone.now())
        assert leases.claim_run(node=node, queues=QUEUES) is not None
        Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        recovery.expire_leases()

    run.refresh_from_db()
    assert (run.state, run.reason_code, run.attempt) == ("failed", "lost", 3)
    assert run.finished_at is not None


@pytest.mark.parametrize(
    ("reason", "state", "code"),
    [
        ("unsupported", "failed", "unsupported"),
        ("does_not_fit", "failed", "does_not_fit"),
        ("timeout", "failed", "timeout"),
        ("sandbox_violation", "failed", "sandbox_violation"),
        ("node_error", "queued", "node_error"),
        ("data_unavailable", "queued", "data_unavailable"),
        ("an invention", "queued", "node_error"),
    ],
)
def test_only_causes_that_may_pass_are_tried_again(reason, state, code):
    run = arrangement.running()

    leases.fail_run(**arrangement.grant(run), reason=reason, message="It is\x00 broken.", log=["last words"])

    run.refresh_from_db()
    assert (run.state, run.reason_code, run.reason) == (state, code, "It is  broken.")
    assert run.log == "last words"


def test_a_run_avoids_the_node_that_broke_while_another_is_there():
    broken, other = arrangement.node(), arrangement.node()
    Node.objects.filter(pk=other.pk).update(last_seen_at=timezone.now())
    run = arrangement.running(by=broken)
    leases.fail_run(**arrangement.grant(run), reason="node_error", message="device error")
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now())

    assert leases.claim_run(node=broken, queues=QUEUES) is None
    assert leases.claim_run(node=other, queues=QUEUES).pk == run.pk


def test_the_only_node_gets_the_run_again_after_its_own_error():
    only = arrangement.node()
    run = arrangement.running(by=only)
    leases.fail_run(**arrangement.grant(run), reason="node_error", message="device error")
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now())

    assert leases.claim_run(node=only, queues=QUEUES).pk == run.pk


def test_a_new_attempt_starts_without_the_outputs_of_the_last():
    run = arrangement.running()
    arrangement.send(run, "predictions.jsonl", b"{}\n")
    leases.fail_run(**arrangement.grant(run), reason="node_error", message="device error")
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now())

    leases.claim_run(node=arrangement.node(), queues=QUEUES)

    assert run.outputs.count() == 0


def test_the_runs_of_a_deleted_model_end_with_it():
    run, other = arrangement.running(), arrangement.running()
    run.repo.deleted_at = timezone.now()
    run.repo.save()

    assert recovery.cancel_runs_of_deleted_models() == 1

    run.refresh_from_db()
    other.refresh_from_db()
    assert (run.state, other.state) == ("cancelled", "running")


def test_a_forgotten_scoring_job_is_sent_again(django_capture_on_commit_callbacks):
    run = arrangement.handed_in()
    Run.objects.filter(pk=run.pk).update(nudged_at=timezone.now() - timedelta(minutes=5))

    with django_capture_on_commit_callbacks() as callbacks:
        assert recovery.expire_leases() == 1

    assert len(callbacks) == 1
    run.refresh_from_db()
    assert run.nudged_at > timezone.now() - timedelta(seconds=10)


def test_scoring_that_kills_its_worker_three_times_ends_the_run():
    run = arrangement.handed_in()
    for _ in range(3):
        leases.claim_scoring(run.pk)
        long_ago = timezone.now() - timedelta(hours=1)
        Run.objects.filter(pk=run.pk).update(lease_until=long_ago, nudged_at=long_ago)
    recovery.expire_leases()

    run.refresh_from_db()
    assert (run.state, run.reason_code) == ("failed", "scoring_failed")


def test_a_run_cancelled_while_it_is_scored_gets_no_scores(monkeypatch):
    run = arrangement.handed_in()
    judged = scoring.judged

    def cancelled_meanwhile(held, definition):
        runs.cancel_run(run=held)
        return judged(held, definition)

    monkeypatch.setattr(scoring, "judged", cancelled_meanwhile)
    scoring.score_run(run.pk)

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert run.scores.count() == 0
    assert not run.records.exists()
