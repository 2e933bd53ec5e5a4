import hashlib
import json
import threading
import time

import pytest
from django.db import connection

from catalog.models import Blob, RepoBlob
from evaluation.actions import nodes, runs, scoring
from evaluation.models import Node, Run
from evaluation.node_api import waiting
from tests.evaluation import arrangement
from tests.factories import UserFactory, token_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db


class Machine:
    """A node that speaks HTTP, as the agent does."""

    def __init__(self, name="machine"):
        self.node, self.token = nodes.create_node(name)
        self.client = RawClient()
        self.lease = ""

    def headers(self):
        return {"HTTP_AUTHORIZATION": f"Bearer {self.token}", "HTTP_X_RUN_LEASE": self.lease}

    def post(self, path, body=None):
        return self.client.post(
            f"/node_api/{path}", json.dumps(body or {}), content_type="application/json", **self.headers()
        )

    def get(self, url, **headers):
        """The answer, its bytes read into `body`, which closes the file."""
        answer = self.client.get(url, **self.headers(), **headers)
        answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return answer

    def put(self, run_id, name, content, sha256=None):
        return self.client.put(
            f"/node_api/runs/{run_id}/outputs/{name}",
            content,
            content_type="application/octet-stream",
            HTTP_X_CONTENT_SHA256=sha256 or hashlib.sha256(content).hexdigest(),
            **self.headers(),
        )

    def claim(self, run_id=None, wait=0):
        answer = self.post(f"claim?wait={wait}", {"run_id": run_id})
        if answer.status_code == 200:
            self.lease = answer.json()["lease_token"]
        return answer


def test_a_node_says_what_it_is():
    machine = Machine()

    answer = machine.post(
        "register", {"name": "x", "hardware": {"cpu": "fast"}, "sandbox": "bubblewrap", "versions": {}}
    )

    assert answer.json()["node_id"] == machine.node.pk
    machine.node.refresh_from_db()
    assert (machine.node.sandbox, machine.node.hardware) == ("bubblewrap", {"cpu": "fast"})
    assert machine.node.last_seen_at is not None


@pytest.mark.parametrize("credential", ["none", "nonsense", "a person's", "revoked"])
def test_only_an_active_nodes_token_opens_this_door(credential):
    machine = Machine()
    if credential == "revoked":
        Node.objects.update(is_active=False)
    machine.token = {"none": "", "nonsense": "node_x", "a person's": token_of(UserFactory())}.get(
        credential, machine.token
    )
    run = arrangement.queued()

    for answer in (
        machine.claim(),
        machine.post("register"),
        machine.get(f"/node_api/runs/{run.pk}/inputs/inputs.jsonl"),
    ):
        assert (answer.status_code, answer["X-Error-Code"]) == (401, "BadNodeToken")
    run.refresh_from_db()
    assert run.state == "queued"


def test_a_new_token_ends_the_old_one():
    machine = Machine("twice")
    nodes.create_node("twice")

    assert machine.claim().status_code == 401


def test_a_nodes_token_opens_no_other_door():
    machine = Machine()

    assert machine.get("/api/v1/models").status_code == 401
    assert machine.get("/api/whoami-v2").status_code == 401


def test_nothing_to_do_is_204():
    assert Machine().claim().status_code == 204


def test_a_claim_brings_everything_but_the_answers():
    run = arrangement.queued(arrangement.model(weights=b"w" * 1000))

    order = Machine().claim().json()

    assert order["run_id"] == run.pk
    assert order["lease_seconds"] == 90
    assert order["spec"]["request"] == "image-classify"
    assert order["spec"]["labels"]["3"] == "3"
    assert order["spec"]["limits"]["output_mb"] == 512
    assert order["model"]["commit"] == run.commit_oid
    assert {(file["path"], file["size"]) for file in order["model"]["files"]} >= {("model.safetensors", 1000)}
    assert "README.md" not in {file["path"] for file in order["model"]["files"]}
    assert {file["path"] for file in order["inputs"]["files"]} == {"inputs.jsonl", "media.tar"}


@pytest.mark.parametrize(
    ("fields", "dtype", "ram_gb"),
    [
        ({}, "float32", 32),
        ({"queue": "eval.gpu.24g", "memory_gb": 20.0}, "auto", 32),
        ({"queue": "eval.gpu.80g", "memory_gb": 60.0}, "auto", 79),  # the weights pass through main memory
        ({"queue": "eval.gpu.16g", "escalated_from": "eval.cpu"}, "float32", 32),
    ],
)
def test_what_belongs_on_a_cpu_is_computed_in_float32_wherever_it_runs(fields, dtype, ram_gb):
    Run.objects.filter(pk=arrangement.queued().pk).update(**fields)
    gpus = [{"memory.total": "81559"}]
    machine = Machine()
    machine.post("register", {"name": "x", "hardware": {"gpus": gpus}, "sandbox": "bubblewrap", "versions": {}})

    spec = machine.claim().json()["spec"]

    assert (spec["dtype"], spec["limits"]["ram_gb"]) == (dtype, ram_gb)


def test_files_and_inputs_hash_to_what_the_claim_says():
    arrangement.queued()
    machine = Machine()
    order = machine.claim().json()

    for file in [*order["model"]["files"], *order["inputs"]["files"]]:
        content = machine.get(file["url"]).body
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])


def test_no_input_tells_its_label():
    run = arrangement.queued()
    machine = Machine()
    order = machine.claim().json()

    rows = [json.loads(line) for line in machine.get(order["inputs"]["files"][0]["url"]).body.splitlines()]

    assert all(set(row) == {"id", "image"} for row in rows)
    assert machine.get(f"/node_api/runs/{run.pk}/inputs/gold.jsonl").status_code == 404
    assert machine.get(f"/node_api/runs/{run.pk}/inputs/..%2F..%2Fsecrets%2Fsigning_key").status_code == 404


@pytest.mark.parametrize("kind", ["model", "inputs"])
def test_an_interrupted_fetch_goes_on_where_it_stopped(kind):
    arrangement.queued(arrangement.model(weights=bytes(range(256)) * 10))
    machine = Machine()
    files = machine.claim().json()[kind]["files"]
    file = max(files, key=lambda one: one["size"])
    whole = machine.get(file["url"]).body

    rest = machine.get(file["url"], HTTP_RANGE="bytes=1000-")
    part = machine.get(file["url"], HTTP_RANGE="bytes=10-19")

    assert (rest.status_code, rest.body) == (206, whole[1000:])
    assert rest["Content-Range"] == f"bytes 1000-{len(whole) - 1}/{len(whole)}"
    assert (part["Content-Length"], part.body) == ("10", whole[10:20])
    assert machine.get(file["url"], HTTP_RANGE=f"bytes={len(whole)}-").status_code == 416


def test_only_files_of_the_granted_snapshot_are_served():
    run = arrangement.queued()
    machine = Machine()
    machine.claim()

    assert machine.get(f"/node_api/runs/{run.pk}/files/config.json").status_code == 200
    assert machine.get(f"/node_api/runs/{run.pk}/files/README.md").status_code == 404


@pytest.mark.parametrize("lease", ["", "nonsense", "67d0710b-1206-48be-8db5-a50a6744326b"])
def test_a_foreign_lease_is_409_everywhere(lease):
    run = arrangement.queued()
    machine = Machine()
    machine.claim()
    machine.lease = lease
    path = f"/node_api/runs/{run.pk}"

    answers = [
        machine.get(f"{path}/files/config.json"),
        machine.get(f"{path}/inputs/inputs.jsonl"),
        machine.put(run.pk, "predictions.jsonl", b"{}"),
        machine.post(f"runs/{run.pk}/heartbeat", {"phase": "running"}),
        machine.post(f"runs/{run.pk}/complete"),
        machine.post(f"runs/{run.pk}/fail", {"reason": "unsupported"}),
    ]

    assert [answer.status_code for answer in answers] == [409] * 6
    run.refresh_from_db()
    assert (run.state, run.outputs.count()) == ("claimed", 0)


def test_the_grant_ends_with_the_run():
    run = arrangement.queued()
    machine = Machine()
    machine.claim()
    runs.cancel_run(run=run)

    assert machine.post(f"runs/{run.pk}/heartbeat", {"phase": "running"}).json()["cancel"] is True
    assert machine.get(f"/node_api/runs/{run.pk}/files/config.json").status_code == 409
    assert machine.put(run.pk, "predictions.jsonl", b"{}").status_code == 409


def test_a_whole_run_over_http():
    run = arrangement.queued()
    machine = Machine()
    machine.claim(run_id=run.pk)
    path = f"runs/{run.pk}"
    for phase in ("fetching", "loading", "running", "uploading"):
        assert machine.post(
            f"{path}/heartbeat", {"phase": phase, "done": 5, "total": 599, "rate": 1.5, "log": ["a"]}
        ).json() == {
            "cancel": False,
            "lease_seconds": 90,
        }
    run.refresh_from_db()

    assert machine.put(run.pk, "predictions.jsonl", arrangement.answers(run, wrong=6)).status_code == 200
    assert machine.put(run.pk, "measurements.json", b'{"parameters": 7}').status_code == 200
    converted = {"model.safetensors": {"from": "pytorch_model.bin", "sha256": "ab" * 32, "size": 12}}
    assert machine.post(f"{path}/complete", {"converted": converted}).json() == {"state": "scoring"}
    assert machine.post(f"{path}/complete").status_code == 409
    scoring.score_run(run.pk)

    run.refresh_from_db()
    assert (run.state, run.measurements) == ("succeeded", {"parameters": 7})
    assert run.scores.get(is_primary=True).value == pytest.approx(593 / 599)
    assert json.loads(run.record.body)["model"]["converted"] == converted


@pytest.mark.parametrize(
    "converted",
    [
        [1],
        {"model.safetensors": "ab"},
        {"model.safetensors": {"from": "x.bin", "sha256": "ab" * 32}},
        {"model.safetensors": {"from": "x.bin", "sha256": "AB" * 32, "size": 1}},
        {"model.safetensors": {"from": "x.bin", "sha256": "ab" * 32, "size": "1"}},
        {"model.safetensors": {"from": ["x.bin"], "sha256": "ab" * 32, "size": 1}},
        {"<b>": {"from": "x.bin", "sha256": "ab" * 32, "size": 1}},
        {f"{number}.safetensors": {"from": "x.bin", "sha256": "ab" * 32, "size": 1} for number in range(501)},
    ],
)
def test_a_node_tells_in_plain_facts_what_it_converted(converted):
    run = arrangement.queued()
    machine = Machine()
    machine.claim()

    answer = machine.post(f"runs/{run.pk}/complete", {"converted": converted})

    assert answer.status_code == 400
    assert "'converted' must" in answer.json()["error"]
    run.refresh_from_db()
    assert run.state == "claimed"


def test_outputs_are_blobs_that_no_repo_may_commit():
    run = arrangement.queued()
    machine = Machine()
    machine.claim()

    machine.put(run.pk, "predictions.jsonl", b"the answers\n")

    blob = Blob.objects.get(sha256=hashlib.sha256(b"the answers\n").hexdigest())
    assert run.outputs.get().blob == blob
    assert not RepoBlob.objects.filter(blob=blob).exists()


@pytest.mark.parametrize(
    ("name", "content", "sha256", "status"),
    [
        ("passwd", b"x", None, 422),
        ("..%2Fpredictions.jsonl", b"x", None, 422),
        ("predictions.jsonl", b"x", "0" * 64, 422),
        ("predictions.jsonl", b"x", "short", 400),
        ("measurements.json", b"x" * 300_000, None, 413),
        ("log.txt", b"x" * 5_000_000, None, 413),
    ],
)
def test_outputs_that_break_the_rules_are_refused(name, content, sha256, status):
    run = arrangement.queued()
    machine = Machine()
    machine.claim()

    assert machine.put(run.pk, name, content, sha256).status_code == status
    assert run.outputs.count() == 0


def test_all_outputs_together_stay_below_the_cap():
    run = arrangement.queued()
    benchmark = run.benchmark
    benchmark.definition["limits"]["output_mb"] = 0.001
    benchmark.save()
    machine = Machine()
    machine.claim()

    assert machine.put(run.pk, "predictions.jsonl", b"x" * 600).status_code == 200
    assert machine.put(run.pk, "log.txt", b"x" * 600).status_code == 413
    assert machine.put(run.pk, "predictions.jsonl", b"y" * 1000).status_code == 200  # it replaces the first


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phase": "sleeping"},
        {"phase": "running", "done": "many"},
        {"phase": "running", "done": -1},
        {"phase": "running", "rate": 1e300},
        {"phase": "running", "log": "one"},
        {"phase": "running", "log": [1]},
        {"phase": "running", "total": True},
    ],
)
def test_hostile_heartbeats_change_nothing_or_are_tamed(body):
    run = arrangement.queued()
    machine = Machine()
    machine.claim()

    answer = machine.post(f"runs/{run.pk}/heartbeat", body)

    assert answer.status_code == (200 if body.get("log") == "one" else 400)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"run_id": "x"}', b'{"run_id": true}', b'{"run_id": 1e400}'])
def test_a_malformed_claim_is_no_error_of_ours(body):
    machine = Machine()

    answer = machine.client.post("/node_api/claim", body, content_type="application/json", **machine.headers())

    assert answer.status_code in {204, 400}


def test_hardware_facts_are_bounded():
    machine = Machine()

    assert machine.post("register", {"hardware": {"x": "y" * 20_000}}).status_code == 413
    assert machine.post("register", {"hardware": {"x": "\x00"}}).status_code == 400
    assert machine.post("register", {"hardware": ["x"]}).status_code == 400


def test_a_failure_reaches_the_page():
    run = arrangement.queued()
    machine = Machine()
    machine.claim()

    machine.post(f"runs/{run.pk}/fail", {"reason": "does_not_fit", "message": "Needs 80 GB.", "log_tail": "one\ntwo"})

    run.refresh_from_db()
    assert (run.state, run.reason_code, run.reason, run.log) == ("failed", "does_not_fit", "Needs 80 GB.", "one\ntwo")


def test_missing_benchmark_data_puts_the_run_off(monkeypatch):
    run = arrangement.queued()
    benchmark = run.benchmark
    benchmark.definition["dataset"]["revision"] = "scikit-learn==0.0.1"
    benchmark.save()

    assert Machine().claim().status_code == 204

    run.refresh_from_db()
    assert (run.state, run.reason_code, run.attempt) == ("queued", "data_unavailable", 1)


@pytest.mark.django_db(transaction=True)
def test_a_waiting_node_hears_of_a_new_run_at_once(monkeypatch):
    monkeypatch.setattr(waiting, "LOOK_AGAIN_SECONDS", 20.0)  # so only the notice can end the wait
    repo, machine = arrangement.model(), Machine()
    arrangement.benchmark()
    answers = []

    def wait():
        answers.append(machine.claim(wait=15))
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(1.5)
    run = arrangement.queued(repo)
    thread.join(timeout=30)

    assert answers[0].json()["run_id"] == run.pk
    run.refresh_from_db()
    assert (run.claimed_at - run.created_at).total_seconds() < 8  # on a busy machine; without the notice it is 15


@pytest.mark.django_db(transaction=True)
def test_a_node_waits_no_longer_than_it_asked():
    machine, begun = Machine(), time.monotonic()

    answer = machine.claim(wait=2)

    assert answer.status_code == 204
    assert 1.5 < time.monotonic() - begun < 15  # on a busy machine; the longest wait there is would be 20


@pytest.mark.django_db(transaction=True)
def test_five_duplicate_nudges_over_http_start_one_attempt():
    run = arrangement.queued()
    machines = [Machine(f"machine{number}") for number in range(5)]
    statuses = []

    def nudge(machine):
        statuses.append(machine.claim(run_id=run.pk).status_code)
        connection.close()

    threads = [threading.Thread(target=nudge, args=(machine,)) for machine in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 204, 204, 204, 204]
    assert Run.objects.get(pk=run.pk).attempt == 1


def test_the_token_of_the_embedded_node_lies_in_a_private_file(tmp_path):
    path = tmp_path / "node" / "token"

    first = nodes.ensure_embedded_node(path)
    again = nodes.ensure_embedded_node(path)

    assert first == again == nodes.node_of_token(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_restored_database_gets_a_fresh_embedded_token(tmp_path):
    path = tmp_path / "node" / "token"
    nodes.ensure_embedded_node(path)
    Node.objects.all().delete()

    node = nodes.ensure_embedded_node(path)

    assert nodes.node_of_token(path.read_text()) == node


def test_a_commit_that_is_gone_puts_the_run_off():
    run = arrangement.queued()
    Run.objects.filter(pk=run.pk).update(commit_oid="0" * 40)

    assert Machine().claim().status_code == 204

    run.refresh_from_db()
    assert (run.state, run.reason_code) == ("queued", "data_unavailable")


def test_a_node_is_told_of_companions_and_gets_them_one_by_one():
    machine, repo = Machine(), arrangement.model()
    first = arrangement.queued(repo)
    other = Run.objects.create(
        repo=repo, benchmark=first.benchmark, commit_oid=first.commit_oid, revision="main", run_key="another",
        queue=first.queue, memory_gb=first.memory_gb, priority=first.priority,
    )  # fmt: skip

    order = machine.claim().json()
    beside = machine.post(f"runs/{first.pk}/companion").json()
    none = machine.post(f"runs/{first.pk}/companion")

    assert (order["run_id"], order["companions"]) == (first.pk, True)
    assert (beside["run_id"], beside["companions"], none.status_code) == (other.pk, False, 204)
    assert [file["sha256"] for file in beside["model"]["files"]] == [file["sha256"] for file in order["model"]["files"]]
    assert beside["lease_token"] != order["lease_token"]
    machine.lease = beside["lease_token"]
    assert machine.get(beside["inputs"]["files"][0]["url"]).status_code == 200
    assert machine.post(f"runs/{other.pk}/hand_back").json() == {"state": "queued"}
    assert machine.post(f"runs/{other.pk}/hand_back").status_code == 409
    assert machine.post(f"runs/{first.pk}/companion").status_code == 409  # by the lease of another run
