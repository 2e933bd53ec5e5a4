"""What operators see of nodes, queues and failures."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation.actions import leases, nodes
from evaluation.models import Attempt, Node, Run
from evaluation.queries import fleet
from tests.evaluation import arrangement
from tests.factories import UserFactory, token_of

pytestmark = pytest.mark.django_db


def seen(name, **fields):
    node = arrangement.node(name)
    Node.objects.filter(pk=node.pk).update(last_seen_at=timezone.now(), **fields)
    node.refresh_from_db()
    return node


def worked(run, node, *, began, ended, outcome="done"):
    """An attempt in the past, in hours before now."""
    now, hour = timezone.now(), timedelta(hours=1)
    return Attempt.objects.create(
        run=run, node=node, number=run.attempts.count() + 50, queue=run.queue, node_class="eval.cpu", outcome=outcome,
        began_at=now - began * hour, ended_at=now - ended * hour,
    )  # fmt: skip


def test_a_node_is_in_one_state():
    now = timezone.now()
    for name, fields in {
        "a": {"last_seen_at": now - timedelta(minutes=3), "draining_since": now},
        "b": {"draining_since": now, "paused_at": now},
        "c": {"paused_at": now},
        "d": {},
        "f": {"is_active": False},
    }.items():
        Node.objects.filter(pk=seen(name).pk).update(**fields)
    run = arrangement.running(by=seen("e"))

    found = {one.node.name: (one.state, one.running) for one in fleet.nodes()}

    assert found == {
        "a": ("away", []), "b": ("draining", []), "c": ("paused", []), "d": ("idle", []), "e": ("working", [run.pk])
    }  # fmt: skip


def test_utilisation_is_the_share_of_the_last_day_with_a_run():
    old, young = seen("old"), seen("young")
    Node.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=9))
    Node.objects.filter(pk=young.pk).update(created_at=timezone.now() - timedelta(hours=4))
    run = arrangement.queued()
    for began, ended in ((30, 21), (20, 17), (60, 50)):  # three of the nine hours lie within the day
        worked(run, old, began=began, ended=ended)
    worked(run, young, began=2, ended=1, outcome="timeout")
    held = arrangement.running(by=old)
    held.attempts.update(began_at=timezone.now() - timedelta(hours=6))
    Attempt.objects.create(run=run, number=99, node=old, queue=run.queue, node_class="eval.cpu")  # nobody closed it

    found = {one.node.name: one for one in fleet.nodes()}

    assert found["old"].utilisation == pytest.approx((3 + 3 + 6) / 24, abs=0.01)
    assert found["young"].utilisation == pytest.approx(1 / 4, abs=0.01)
    assert (found["old"].done, found["old"].failed, found["young"].failed) == (3, 0, 1)


def test_queues_tell_how_much_waits_how_long_and_how_much_work_it_is():
    node = seen("big")
    nodes.register(node=node, sandbox="bubblewrap", versions={}, hardware={"gpus": [{"memory.total": "24564"}]})
    first, second = arrangement.queued(), arrangement.queued()
    Run.objects.filter(pk=second.pk).update(queue="eval.gpu.48g", created_at=timezone.now() - timedelta(hours=3))
    arrangement.running(by=node)

    before = {one.queue: one for one in fleet.queues()}
    worked(first, node, began=2, ended=1)
    worked(first, node, began=5, ended=3)
    after = {one.queue: one.seconds for one in fleet.queues()}

    assert list(before) == ["eval.cpu", "eval.gpu.16g", "eval.gpu.24g", "eval.gpu.48g"]
    cpu, large = before["eval.cpu"], before["eval.gpu.48g"]
    assert (cpu.queued, cpu.under_way, cpu.nodes, cpu.oldest_at) == (1, 1, 1, first.created_at)
    assert (large.queued, large.under_way, large.nodes, large.seconds) == (1, 0, 0, None)
    assert after["eval.cpu"] == after["eval.gpu.48g"] == pytest.approx(5400, abs=2)
    assert after["eval.gpu.16g"] == 0


def test_a_node_that_drains_or_is_paused_serves_no_queue():
    now = timezone.now()
    seen("drains", draining_since=now), seen("is paused", paused_at=now), seen("works")

    assert [(one.queue, one.nodes) for one in fleet.queues()] == [("eval.cpu", 1)]


def test_failures_are_counted_by_reason_for_a_week():
    first, second = arrangement.queued(), arrangement.queued()
    for run, ended, outcome in (
        (first, 1, "lost"), (second, 2, "lost"), (first, 3, "timeout"), (first, 1, "cancelled"), (first, 200, "lost"),
    ):  # fmt: skip
        worked(run, None, began=ended + 1, ended=ended, outcome=outcome)

    found = [(one.reason, one.count, one.run_id) for one in fleet.failures()]

    assert found == [("lost", 2, second.pk), ("timeout", 1, first.pk)]


def test_what_operators_see_costs_the_same_for_many_nodes_and_runs(django_assert_num_queries):
    for number in range(5):
        worked(arrangement.running(by=seen(f"n{number}")), None, began=2, ended=1)
        arrangement.queued()

    with django_assert_num_queries(4):
        fleet.nodes()
    with django_assert_num_queries(3):
        fleet.queues()


def test_operators_see_nodes_and_drain_them_by_page_and_api(client, raw_client):
    node, root = seen("big machine", hardware={"ram_bytes": 64e9}), UserFactory(is_admin=True)
    run = arrangement.running(by=node)
    leases.fail_run(**arrangement.grant(run), reason="unsupported", message="no")
    headers = {"Authorization": f"Bearer {token_of(root, 'write')}"}
    client.force_login(root)

    told = raw_client.get("/api/v1/nodes", headers=headers).json()
    page = client.get("/ops/nodes").content.decode()

    (one,) = told["nodes"]
    assert (one["name"], one["state"], one["node_class"], one["serves"]) == ("big machine", "idle", "cpu", ["cpu"])
    assert (one["memory_gb"], one["failed"], one["draining_since"]) == (64.0, 1, None)
    assert [(row["reason"], row["run"]) for row in told["failures"]] == [("unsupported", run.pk)]
    assert told["queues"][0]["node_class"] == "cpu"
    assert "unsupported" in page
    path = "/api/v1/nodes/big%20machine/drain"
    assert raw_client.post(path, headers=headers).json()["nodes"][0]["state"] == "draining"
    assert raw_client.delete(path, headers=headers).json()["nodes"][0]["state"] == "idle"
    client.post("/ops/nodes/big%20machine/drain")
    assert Node.objects.get().draining_since is not None
    client.post("/ops/nodes/big%20machine/drain", {"undo": "1"})
    assert Node.objects.get().draining_since is None


def test_prometheus_is_told_what_waits_by_class(raw_client):
    first, second = arrangement.queued(), arrangement.queued()
    Run.objects.filter(pk=second.pk).update(queue="eval.gpu.24g", created_at=timezone.now() - timedelta(minutes=10))
    worked(first, None, began=3, ended=1)

    lines = raw_client.get("/metrics").content.decode().splitlines()

    found = {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}
    assert found['marketplace_runs_queued{class="cpu"}'] == found['marketplace_runs_queued{class="gpu.24g"}'] == 1
    assert 'marketplace_runs_under_way{class="cpu"}' not in found
    assert 500 < found['marketplace_runs_oldest_queued_seconds{class="gpu.24g"}'] < 3600
    for queue in fleet.queues():  # the page and Prometheus are told the same
        name = queue.queue.removeprefix("eval.")
        assert found[f'marketplace_runs_queued_work_seconds{{class="{name}"}}'] == pytest.approx(queue.seconds)
    assert found['marketplace_runs_queued_work_seconds{class="cpu"}'] == pytest.approx(7200)


def test_the_page_shows_an_empty_site(client):
    client.force_login(UserFactory(is_admin=True))

    assert "create_node NAME" in client.get("/ops/nodes").content.decode()
