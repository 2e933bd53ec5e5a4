"""Nodes measure known models; one that no longer agrees with itself publishes nothing."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from catalog.models import AuditEntry
from evaluation.actions import benchmarks, leases, scoring, sentinels
from evaluation.benchmarks.definitions import load_definition
from evaluation.errors import NotEvaluable
from evaluation.models import Baseline, Node, Run, Score, Sentinel, SentinelCheck
from evaluation.queries import queue
from tests.evaluation import arrangement, teams
from tests.factories import UserFactory, token_of

pytestmark = pytest.mark.django_db
CPU = {"cpu": "Example 9000"}


def living(name="steady", hardware=CPU):
    node = arrangement.node(name)
    node.hardware, node.last_seen_at = hardware, timezone.now()
    node.save()
    return node


@pytest.fixture
def node():
    return living()


@pytest.fixture
def sentinel():
    return sentinels.add_sentinel(repo=arrangement.model(), benchmark=arrangement.benchmark())


def measured(run, *, wrong, dtype="float32", device="cpu"):
    """The sentinel's run, done by the node it is for."""
    taken = leases.claim_run(node=run.for_node, queues=["eval.cpu"], run_id=run.pk)
    return arrangement.finished_but_for(taken, range(wrong), measurements={"dtype": dtype, "device": device})


def checked(node, *wrong, **measurements):
    """Several checks of one node, with so many wrong answers each."""
    for count in wrong:
        sentinels.schedule(now=True)
        measured(Run.objects.active().get(for_node=node), wrong=count, **measurements)
    node.refresh_from_db()
    return list(SentinelCheck.objects.filter(node=node).order_by("pk").values_list("verdict", flat=True))


@pytest.mark.usefixtures("sentinel")
def test_every_living_node_measures_every_sentinel_once_a_week(node):
    asleep = living("asleep")
    asleep.last_seen_at = timezone.now() - timedelta(hours=1)
    asleep.save()
    elsewhere = living("elsewhere")
    elsewhere.queues = ["eval.gpu.16g"]
    elsewhere.save()

    (run,) = sentinels.schedule()

    assert (run.for_node, run.kind, run.trigger, run.requester) == (node, "sentinel", "sentinel", None)
    assert sentinels.schedule() == []
    Run.objects.update(created_at=timezone.now() - timedelta(days=8), state="succeeded")
    assert len(sentinels.schedule()) == 1


@pytest.mark.usefixtures("sentinel", "node")
def test_the_schedule_can_be_switched_off(settings):
    settings.SENTINEL_DAYS = 0

    assert sentinels.schedule() == []
    assert len(sentinels.schedule(now=True)) == 1


def test_data_that_only_some_may_read_takes_no_sentinel():
    reader = UserFactory()
    data, commit = teams.dataset(reader.namespace, reader)
    benchmark = benchmarks.publish(load_definition(teams.definition_text(data.full_name, commit.oid)))

    with pytest.raises(NotEvaluable, match="Waiting for data"):  # its runs are nobody's
        sentinels.add_sentinel(repo=teams.model(), benchmark=benchmark, actor=reader)


@pytest.mark.usefixtures("sentinel")
def test_a_sentinel_is_for_its_node_alone(node):
    (run,) = sentinels.schedule()

    assert not queue.claimable(queues=["eval.cpu"], node=living("other")).exists()
    assert list(queue.claimable(queues=["eval.cpu"], node=node)) == [run]


@pytest.mark.usefixtures("sentinel")
def test_the_first_result_is_the_baseline_and_equal_ones_are_steady(node):
    assert checked(node, 30, 30) == ["baseline", "steady"]
    assert node.paused_at is None


@pytest.mark.usefixtures("sentinel")
def test_one_other_answer_on_a_cpu_is_drift_and_pauses_the_node(node):
    assert checked(node, 30, 31) == ["baseline", "drifted"]

    assert node.paused_at is not None
    assert "0.94825 here; 0.94992 was expected" in node.paused_reason
    assert AuditEntry.objects.get(action="node.pause").target == "node/steady"


@pytest.mark.usefixtures("sentinel")
def test_half_precision_may_differ_by_a_quarter_of_the_half_width(node):
    assert checked(node, 30, 31, 34, 10, dtype="bfloat16") == ["baseline", "steady", "drifted", "drifted"]


@pytest.mark.usefixtures("sentinel")
def test_kinds_of_hardware_have_baselines_of_their_own_but_stay_near_each_other(node):
    other, odd = living("other", {"gpus": [{"name": "GPU 1"}]}), living("odd", {"gpus": [{"name": "GPU 2"}]})

    assert checked(node, 30) == ["baseline"]
    assert checked(other, 31, device="GPU 1") == ["baseline"]
    assert checked(odd, 60, device="GPU 2") == ["drifted"]
    assert odd.paused_at is not None
    assert set(Baseline.objects.values_list("hardware_class", flat=True)) == {"CPU Example 9000", "GPU 1"}


@pytest.mark.usefixtures("sentinel")
def test_sentinel_runs_stand_on_no_board(node):
    checked(node, 30)

    assert not Score.objects.filter(is_current=True).exists()


@pytest.mark.usefixtures("sentinel")
def test_a_paused_node_gets_sentinels_alone_until_it_is_resumed(node):
    checked(node, 30, 31)
    asked = arrangement.queued()

    assert leases.claim_run(node=node, queues=["eval.cpu"]) is None
    (run,) = sentinels.schedule(now=True)
    assert leases.claim_run(node=node, queues=["eval.cpu"]) == run

    sentinels.resume(node=node)
    node.refresh_from_db()
    assert leases.claim_run(node=node, queues=["eval.cpu"]) == asked


@pytest.mark.usefixtures("sentinel")
def test_what_a_node_measured_when_it_drifted_is_measured_elsewhere(node):
    under_way = arrangement.handed_in(by=node)
    checked(node, 30, 31)

    scoring.score_run(under_way.pk)

    under_way.refresh_from_db()
    assert (under_way.state, under_way.reason_code, under_way.excluded_node) == ("queued", "node_error", node)
    assert not under_way.scores.exists()


@pytest.mark.usefixtures("sentinel")
def test_accepting_new_results_makes_them_the_baseline(node):
    checked(node, 30, 31)

    sentinels.resume(node=node, accept=True)

    assert checked(node, 31, 31)[-2:] == ["baseline", "steady"]


def test_a_new_runner_has_a_baseline_of_its_own_and_says_if_scores_change(sentinel, node):
    checked(node, 30)
    Baseline.objects.update(runner_version="0.0.1")

    assert checked(node, 31) == ["baseline", "baseline"]

    assert ("0.0.1", False) in Baseline.objects.values_list("runner_version", "alters_scores")
    assert Baseline.objects.filter(sentinel=sentinel, alters_scores=True).count() == 1


def test_the_commands_pin_list_check_and_remove(node):
    repo = arrangement.model()
    arrangement.benchmark()
    said = StringIO()

    call_command("sentinel", "add", repo.full_name, "digits", stdout=said)
    call_command("sentinel", "list", stdout=said)
    call_command("sentinel", "check", stdout=said)
    call_command("sentinel", "remove", str(Sentinel.objects.get().pk), stdout=said)

    assert said.getvalue().count(repo.full_name) == 2
    assert "1 runs are queued." in said.getvalue()
    assert not Sentinel.objects.filter(is_active=True).exists()
    Node.objects.update(paused_at=timezone.now(), paused_reason="x")
    call_command("resume_node", node.name, stdout=said)
    assert Node.objects.get().paused_at is None
    for wrong in (["sentinel", "add", "no/body", "digits"], ["sentinel", "remove", "0"], ["resume_node", "nobody"]):
        with pytest.raises(CommandError):
            call_command(*wrong)


@pytest.mark.usefixtures("sentinel")
def test_operators_see_drift_and_resume_by_page_and_api(node, client, raw_client):
    checked(node, 30, 31)
    root = UserFactory(is_admin=True)
    headers = {"Authorization": f"Bearer {token_of(root, 'write')}"}

    (told,) = raw_client.get("/api/v1/drift", headers=headers).json()["nodes"]
    client.force_login(root)
    page = client.get("/ops/drift").content.decode()

    assert (told["node"], told["is_paused"], told["checks"][0]["verdict"]) == ("steady", True, "drifted")
    assert told["checks"][0]["drift"] == pytest.approx(-1 / 599)
    assert "was expected" in page
    client.post("/ops/drift/steady/resume")
    assert Node.objects.get(pk=node.pk).paused_at is None
    Node.objects.update(paused_at=timezone.now())
    path = "/api/v1/drift/steady/resume"
    answer = raw_client.post(path, "{}", content_type="application/json", headers=headers).json()
    assert answer["nodes"][0]["is_paused"] is False
