"""Runs that are claimed to share the process of another: which, for whom, how many, and giving them back."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Namespace
from evaluation.actions import companions, leases, nodes, runs
from evaluation.errors import RunLeaseLost
from evaluation.models import Attempt, Benchmark, Run, Turn
from evaluation.queries import queue
from tests.evaluation import arrangement
from tests.evaluation.actions.test_leases import at_once
from tests.evaluation.actions.test_scheduling import G16, claim, machine, waiting
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def first():
    """A run that a node has just claimed."""
    run = arrangement.queued()
    taken = claim(machine())
    assert taken == run
    return taken


def like(run, account=None, **fields):
    """A queued run that may go beside this one."""
    made = waiting(run, account, memory_gb=run.memory_gb, **fields)
    assert made in queue.companions(run, run.node or arrangement.node())
    return made


def companion(run):
    return companions.claim_companion(**arrangement.grant(run))


def heard(run, phase):
    leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase=phase))
    run.refresh_from_db()


def test_companions_are_other_runs_of_the_same_model_the_oldest_first(first):
    ann, bo = UserFactory(), UserFactory()
    newer, older = like(first, ann, minutes=1), like(first, bo, minutes=2)
    arrangement.queued()  # of another model

    found = [companion(first) for _ in range(3)]

    assert found == [older, newer, None]
    assert len({first.lease_token, *(run.lease_token for run in found[:2])}) == 3
    for run in found[:2]:
        assert (run.state, run.node, run.attempt) == ("claimed", first.node, 1)
        assert Attempt.objects.get(run=run).node == first.node
        assert Turn.objects.filter(account=run.account).exists()  # each of them was its account's turn


@pytest.mark.parametrize(
    "changes",
    [
        {"commit_oid": "0" * 40},
        {"queue": G16},
        {"kind": Run.Kind.SENTINEL},
        {"kind": Run.Kind.SMOKE},
        {"memory_gb": 0.5},
        {"escalated_from": G16},
        {"not_before": timezone.now() + timedelta(hours=1)},
        {"state": Run.State.CANCELLED},
    ],
)
def test_a_run_that_differs_in_more_than_its_benchmark_is_none(first, changes):
    Run.objects.filter(pk=like(first).pk).update(**changes)

    assert companion(first) is None


def of_benchmark(first, **changes):
    """A waiting run on a benchmark like that of `first`, but for these changes of its definition or its row."""
    other = Benchmark.objects.get(pk=first.benchmark_id)
    other.pk, other.slug = None, "other"
    other.definition = other.definition | changes.pop("definition", {})
    for name, value in changes.items():
        setattr(other, name, value)
    other.save(force_insert=True)
    run = like(first)
    Run.objects.filter(pk=run.pk).update(benchmark=other)
    return run


@pytest.mark.parametrize("limits", [{"ram_gb": 4}, {"ram_gb": 31.5}])
def test_one_with_another_limit_of_memory_is_none(first, limits):
    of_benchmark(first, definition={"limits": limits})

    assert companion(first) is None


def test_what_a_model_costs_is_measured_alone(first):
    costly = of_benchmark(first, definition={"efficiency": {"scenarios": ["single_stream"]}})

    assert companion(first) is None
    taken = leases.claim_run(node=machine(), queues=["eval.cpu"])
    assert taken == costly
    like(costly)
    assert companion(taken) is None


def test_inputs_of_a_team_are_never_beside_those_of_others(first):
    team, other = Namespace.objects.get(user=UserFactory()), Namespace.objects.get(user=UserFactory())
    of_team = of_benchmark(first, namespace=team)
    assert companion(first) is None

    taken = leases.claim_run(node=machine(), queues=["eval.cpu"])
    assert taken == of_team
    same = like(first)
    Run.objects.filter(pk=same.pk).update(benchmark=taken.benchmark)
    theirs = like(first)
    Run.objects.filter(pk=theirs.pk).update(
        benchmark=Benchmark.objects.create(
            **{field.name: getattr(taken.benchmark, field.name) for field in Benchmark._meta.concrete_fields}
            | {"id": None, "slug": "theirs", "namespace": other}
        )
    )

    assert [companion(taken), companion(taken)] == [same, None]


def test_no_more_than_seven_go_beside_one(first):
    for _ in range(9):
        like(first)

    assert [companion(first) is not None for _ in range(9)] == [True] * 7 + [False] * 2


def test_a_node_that_drains_gets_none(first):
    like(first)

    nodes.drain(node=first.node)

    assert companion(first) is None


def test_only_the_lease_of_a_run_under_way_brings_companions(first):
    like(first)

    with pytest.raises(RunLeaseLost):
        companions.claim_companion(run_id=first.pk, node=first.node, lease_token=uuid.uuid4())
    runs.cancel_run(run=first)
    with pytest.raises(RunLeaseLost):
        companion(first)


def test_a_node_with_several_runs_of_an_account_counts_once_among_those_at_work_for_it(settings):
    settings.EVAL_RUNS_PER_ACCOUNT = 1
    owner = UserFactory()
    first = arrangement.queued(actor=owner)
    assert claim(machine()) == first
    first.refresh_from_db()
    for _ in range(2):
        like(first, owner)

    assert companion(first) is not None
    assert claim(machine()) is None  # a second node would be one too many
    assert companion(first) is not None


def test_an_account_that_has_all_it_may_elsewhere_gets_no_companion(first, settings):
    settings.EVAL_RUNS_PER_ACCOUNT = 1
    bo = UserFactory()
    like(first, bo)
    waiting(arrangement.queued(), bo, minutes=9)
    elsewhere = leases.claim_run(node=machine(), queues=["eval.cpu"])
    assert elsewhere.account == bo.namespace

    assert companion(first) is None


@pytest.mark.django_db(transaction=True)
def test_a_run_goes_to_one_node_though_another_wants_it_as_a_companion():
    first = arrangement.queued()
    assert claim(machine()) == first
    first.refresh_from_db()
    wanted = like(first)
    other = machine()

    found = at_once(lambda: companion(first), lambda: claim(other))

    assert [run.pk for run in found if run is not None] == [wanted.pk]


def test_one_that_is_handed_back_was_never_tried(first):
    like(first)
    taken = companion(first)
    heard(taken, "waiting")

    companions.hand_back(**arrangement.grant(taken))

    taken.refresh_from_db()
    assert (taken.state, taken.attempt, taken.node, taken.lease_token) == ("queued", 0, None, None)
    assert not Attempt.objects.filter(run=taken).exists()
    assert claim(machine()) == taken
    assert Attempt.objects.get(run=taken).number == 1


def test_one_that_has_begun_cannot_be_handed_back(first):
    heard(first, "running")

    with pytest.raises(RunLeaseLost):
        companions.hand_back(**arrangement.grant(first))


def test_the_time_in_which_others_computed_is_not_its_own(first):
    like(first)
    taken = companion(first)
    early = timezone.now() - timedelta(minutes=4)
    Attempt.objects.filter(run=taken).update(began_at=early)

    heard(taken, "waiting")
    assert Attempt.objects.get(run=taken).began_at == early
    heard(taken, "loading")
    began = Attempt.objects.get(run=taken).began_at
    assert began > early + timedelta(minutes=3)
    heard(taken, "running")
    assert Attempt.objects.get(run=taken).began_at == began
