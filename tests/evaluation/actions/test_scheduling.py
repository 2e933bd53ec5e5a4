"""Which run goes to which node, and when: classes, turns, limits, moving up, draining."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Repo, RepoFacts
from evaluation.actions import leases, nodes, recovery, runs, scoring, sentinels
from evaluation.models import Attempt, Node, Run
from evaluation.queries import classes, placement
from tests.evaluation import arrangement
from tests.factories import UserFactory
from tests.locks import waiting_for_us

pytestmark = pytest.mark.django_db
CPU, G16, G24, G48, G80 = "eval.cpu", "eval.gpu.16g", "eval.gpu.24g", "eval.gpu.48g", "eval.gpu.80g"


@pytest.fixture
def example():
    """A run whose repo and benchmark the others of a test share."""
    run = arrangement.queued()
    runs.cancel_run(run=run)
    return run


def waiting(example, account=None, *, queue=CPU, minutes=0, priority=runs.ASKED_FOR, **fields):
    return Run.objects.create(
        repo=example.repo, benchmark=example.benchmark, commit_oid=example.commit_oid, revision="main",
        run_key=f"key {Run.objects.count()}", account=account and account.namespace, queue=queue, priority=priority,
        created_at=timezone.now() - timedelta(minutes=minutes), **fields,
    )  # fmt: skip


def machine(*, gpu_gb=None, ram_gb=64.0, **fields):
    node = arrangement.node()
    gpus = [] if gpu_gb is None else [{"name": "GPU", "memory.total": str(gpu_gb * 1e9 / 2**20)}]
    hardware = {"cpu": "Example 9000", "ram_bytes": ram_gb * 1e9, "gpus": gpus}
    nodes.register(node=node, sandbox="bubblewrap", hardware=hardware, versions={})
    Node.objects.filter(pk=node.pk).update(**fields)
    node.refresh_from_db()
    return node


def claim(node):
    return leases.claim_run(node=node, queues=node.queues)


def given_back(run, reason):
    run.refresh_from_db()
    leases.fail_run(**arrangement.grant(run), reason=reason, message=f"It {reason}.")
    run.refresh_from_db()
    return run


def test_a_node_takes_its_own_class_first_then_what_is_nearest_below_and_never_what_is_above(example):
    found = {queue: waiting(example, queue=queue) for queue in (CPU, G16, G24, G48)}
    node = machine(gpu_gb=24)

    order = [claim(node) for _ in range(4)]

    assert order == [found[G24], found[G16], found[CPU], None]


def test_small_work_that_waited_a_quarter_of_an_hour_for_each_class_is_not_passed_over_any_more(example):
    old, fresh = waiting(example, queue=CPU, minutes=31), waiting(example, queue=CPU, minutes=29)
    large = waiting(example, queue=G24)
    node = machine(gpu_gb=24)

    assert [claim(node) for _ in range(3)] == [old, large, fresh]


def test_automatic_work_counts_as_asked_for_after_two_hours(example):
    asked = waiting(example, minutes=1)
    fresh = waiting(example, priority=runs.AUTOMATIC, minutes=119)
    old = waiting(example, priority=runs.AUTOMATIC, minutes=121)
    node = machine()

    assert [claim(node) for _ in range(3)] == [old, asked, fresh]


def test_accounts_take_turns_whoever_asked_for_how_much(example):
    ann, bo = UserFactory(), UserFactory()
    many = [waiting(example, ann, minutes=60 - number) for number in range(3)]
    few = [waiting(example, bo, minutes=10 - number) for number in range(2)]
    node, order = machine(), []
    for _ in range(5):
        order.append(claim(node))
        leases.complete_run(**arrangement.grant(order[-1]))

    assert order == [many[0], few[0], many[1], few[1], many[2]]


def test_the_account_with_the_least_under_way_is_next(example):
    ann, bo = UserFactory(), UserFactory()
    waiting(example, bo)
    busy = [waiting(example, ann), waiting(example, ann)]
    for _ in range(2):  # bo's and ann's first
        claim(machine())
    leases.complete_run(**arrangement.grant(Run.objects.get(account=bo.namespace)))
    later = waiting(example, bo)

    assert claim(machine()) == later  # bo was served before ann, and has nothing under way
    assert claim(machine()) == busy[1]


@pytest.mark.parametrize("most", [1, 2])
def test_an_account_has_no_more_under_way_than_it_may(example, settings, most):
    settings.EVAL_RUNS_PER_ACCOUNT = most
    ann = UserFactory()
    for _ in range(3):
        waiting(example, ann)
    taken = [claim(machine()) for _ in range(3)]

    assert [run is not None for run in taken] == [number < most for number in range(3)]
    leases.complete_run(**arrangement.grant(taken[0]))
    assert claim(machine()) is not None


@pytest.mark.django_db(transaction=True)
def test_nodes_that_claim_at_once_do_not_pass_the_limit_together(example, settings):
    settings.EVAL_RUNS_PER_ACCOUNT = 1
    ann = UserFactory()
    waiting(example, ann), waiting(example, ann), waiting(example, ann)
    machines, barrier, taken = [machine() for _ in range(3)], threading.Barrier(3), []

    def run(node):
        try:
            barrier.wait()
            taken.append(claim(node))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[node]) for node in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(one is not None for one in taken) == 1


def test_no_limit_holds_up_the_sites_own_runs(example, settings):
    settings.EVAL_RUNS_PER_ACCOUNT = 1
    waiting(example), waiting(example)

    assert claim(machine()) is not None
    assert claim(machine()) is not None


def test_a_claim_takes_the_same_number_of_queries_however_much_waits(example):
    def queries():
        node = machine()
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert claim(node) is not None
        return len(found)

    for _ in range(2):
        waiting(example, UserFactory())
    few = queries()
    for _ in range(20):
        waiting(example, UserFactory())
        claim(machine())
        waiting(example, UserFactory())

    assert queries() == few <= 14


def test_a_run_goes_to_no_node_with_too_little_memory_though_its_class_is_right(example):
    run = waiting(example, queue=CPU, memory_gb=20)

    assert claim(machine(gpu_gb=16)) is None
    assert claim(machine(ram_gb=22)) is None
    assert claim(machine(ram_gb=23)) == run


@pytest.mark.parametrize(
    ("parameters", "queue", "memory_gb"),
    [
        (100_000_000, CPU, 1.5),  # half a gigabyte of activations at least
        (5_800_000_000, CPU, 28.44),  # float32 in 90 % of 32 GB
        (6_000_000_000, G24, 15.0),  # two bytes each on a GPU
        (13_000_000_000, G48, 31.8),
        (25_000_000_000, G80, 60.6),
        (34_000_000_000, "eval.gpu.141g", 82.2),
    ],
)
def test_a_run_belongs_to_the_smallest_class_that_its_estimate_fits(parameters, queue, memory_gb):
    repo = arrangement.model()
    RepoFacts.objects.filter(repo=repo).update(parameters=parameters)
    repo.refresh_from_db()

    run = arrangement.queued(repo)

    assert (run.queue, run.memory_gb) == (queue, pytest.approx(memory_gb))
    assert run.account == repo.created_by.namespace


def test_the_operator_says_how_much_cpus_take(settings):
    settings.EVAL_CPU_LARGEST_GB = 2
    repo = arrangement.model()
    RepoFacts.objects.filter(repo=repo).update(parameters=1_000_000_000)
    repo.refresh_from_db()

    assert arrangement.queued(repo).queue == G16


def test_a_node_serves_what_its_hardware_is_good_for_unless_its_operator_said_otherwise():
    told = {"hardware": {"gpus": [{"memory.total": "24564"}]}, "versions": {}, "sandbox": "bubblewrap"}
    node, bound = arrangement.node(), nodes.create_node("bound", queues=(G16,))[0]

    for one in (node, bound):
        nodes.register(node=one, **told)
        one.refresh_from_db()

    assert (node.queues, bound.queues) == ([CPU, G16, G24], [G16])


def test_what_does_not_fit_moves_up_one_class_once_and_keeps_what_happened(example):
    small, large = machine(gpu_gb=16), machine(gpu_gb=80)
    run = waiting(example, queue=G16, memory_gb=10)
    assert claim(small) == run

    given_back(run, "does_not_fit")

    assert (run.state, run.queue, run.escalated_from, run.reason) == ("queued", G24, G16, "It does_not_fit.")
    assert claim(small) is None
    assert claim(large) == run
    given_back(run, "does_not_fit")
    assert (run.state, run.reason_code, run.queue) == ("failed", "does_not_fit", G24)
    kept = list(Attempt.objects.filter(run=run).order_by("number").values_list("node", "queue", "outcome"))
    assert kept == [(small.pk, G16, "does_not_fit"), (large.pk, G24, "does_not_fit")]


def test_it_moves_above_the_node_it_was_tried_on(example):
    tried = machine(gpu_gb=24)
    machine(gpu_gb=48)
    run = waiting(example, queue=CPU)
    claim(tried)

    assert given_back(run, "does_not_fit").queue == G48


def test_it_moves_past_classes_that_its_estimate_does_not_fit(example):
    machine(gpu_gb=80)
    run = waiting(example, queue=CPU, memory_gb=28)
    claim(machine())

    assert given_back(run, "does_not_fit").queue == G48


def test_on_the_last_attempt_it_still_moves_up(example):
    machine(gpu_gb=80)
    run = waiting(example, queue=CPU, attempt=2)
    claim(machine())

    given_back(run, "does_not_fit")

    assert (run.state, run.attempt, run.max_attempts) == ("queued", 3, 4)


def test_it_has_failed_where_no_registered_node_has_more_memory(example):
    run = waiting(example, queue=G16)
    claim(machine(gpu_gb=16))

    assert given_back(run, "does_not_fit").state == "failed"


def test_a_run_that_no_registered_node_could_take_says_what_it_waits_for(example):
    gpu, cpu = waiting(example, queue=G48, memory_gb=40), waiting(example, memory_gb=27)
    machine(ram_gb=16), machine(gpu_gb=24)

    assert placement.waits_for(gpu) == "Waits for a node with a GPU of at least 48 GB; none is registered."
    assert placement.waits_for(cpu) == "Waits for a node with at least 30 GB of memory; none is registered."
    machine(gpu_gb=48, is_active=False)
    assert placement.waits_for(gpu)
    machine(gpu_gb=80), machine(ram_gb=31)
    assert placement.waits_for(gpu) == placement.waits_for(cpu) == ""


def test_a_sentinel_waits_for_its_own_node_alone(example):
    machine()
    bound = machine(queues=[G16])

    assert "does not serve" in placement.waits_for(waiting(example, for_node=bound))


def test_a_draining_node_finishes_what_it_has_and_claims_nothing_until_it_is_told_to(example):
    first, second = waiting(example, minutes=1), waiting(example)
    node = machine()
    assert claim(node) == first

    nodes.drain(node=node)

    assert claim(node) is None  # though this copy of its row is from before
    first.refresh_from_db()
    assert not leases.heartbeat(**arrangement.grant(first), report=leases.Report(phase="running"))
    leases.complete_run(**arrangement.grant(first))
    nodes.undrain(node=node)
    assert claim(node) == second


def test_the_command_drains_and_undoes():
    node, said = arrangement.node("big"), StringIO()

    call_command("drain_node", "big", stdout=said)
    node.refresh_from_db()
    assert node.draining_since is not None
    call_command("drain_node", "big", "--undo", stdout=said)
    node.refresh_from_db()
    assert node.draining_since is None
    with pytest.raises(CommandError):
        call_command("drain_node", "nobody")


def test_no_sentinels_are_queued_for_a_draining_node():
    repo = arrangement.model()
    sentinels.add_sentinel(repo=repo, benchmark=arrangement.benchmark())
    machine(last_seen_at=timezone.now(), draining_since=timezone.now())

    assert sentinels.schedule(now=True) == []


def test_device_errors_wait_one_then_five_minutes_and_avoid_the_node(example):
    broken, other = machine(last_seen_at=timezone.now()), machine(last_seen_at=timezone.now())
    run, waits = waiting(example), []
    for node in (broken, other):
        assert claim(node) == run
        given_back(run, "node_error")
        waits.append(round((run.not_before - timezone.now()) / timedelta(minutes=1)))
        Run.objects.filter(pk=run.pk).update(not_before=timezone.now())
        assert claim(node) is None

    assert waits == [1, 5]
    assert claim(broken) == run  # the third try avoids the node of the second
    assert given_back(run, "node_error").state == "failed"


def test_every_attempt_keeps_how_it_ended(example):
    node = machine()
    for end in (
        lambda run: leases.complete_run(**arrangement.grant(run)),
        lambda run: given_back(run, "timeout"),
        lambda run: runs.cancel_run(run=run),
        lambda _run: recovery.release_leases(node),
    ):
        waiting(example)
        end(claim(node))

    kept = list(Attempt.objects.order_by("pk").values_list("outcome", flat=True))
    assert kept == ["done", "timeout", "cancelled", "lost"]
    assert not Attempt.objects.filter(ended_at=None).exists()


def test_an_attempt_whose_answers_were_bad_is_no_success_and_took_as_long_as_the_node_did():
    run = arrangement.running()
    arrangement.send(run, "predictions.jsonl", b"nonsense\n")
    leases.complete_run(**arrangement.grant(run))
    ended = run.attempts.get().ended_at

    scoring.score_run(run.pk)

    attempt = run.attempts.get()
    assert (attempt.outcome, attempt.ended_at, attempt.node_class) == ("bad_output", ended, classes.CPU)


def test_attempts_of_deleted_models_end_with_them():
    run = arrangement.running()
    run.repo.deleted_at = timezone.now()
    run.repo.save()

    recovery.cancel_runs_of_deleted_models()

    assert run.attempts.get().outcome == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_handed_in_while_its_deleted_model_is_swept_waits_for_no_lock_of_the_sweep():
    run = arrangement.running()
    Repo.objects.filter(pk=run.repo_id).update(deleted_at=timezone.now())

    def sweep():
        try:
            return recovery.cancel_runs_of_deleted_models()
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool, transaction.atomic():
        Run.objects.select_for_update().get(pk=run.pk)  # as the hub does first when a node hands in
        swept = pool.submit(sweep)
        while not waiting_for_us():
            time.sleep(0.01)
        leases.complete_run(**arrangement.grant(run))

    assert swept.result() == 1
    run.refresh_from_db()
    assert (run.state, run.attempts.get().outcome) == ("cancelled", "done")
