"""A node against a hub on a real socket: claim, fetch, compute, hand in, and all that can go wrong between."""

import contextlib
import json
import shutil
import time

import psutil
import pytest

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.node.sandbox import LEVELS
from evaluation.runner.snapshot import check_snapshot

LANGID = next(definition for definition in builtin_definitions() if definition.id == "langid")


def runners():
    """Runner processes below this one, with the walls around them."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            line = " ".join(child.cmdline())[:200]
            found += [child] if any(name in line for name in ("evaluation.runner", "bwrap", "jail.py")) else []
    return found


def kill_runners():
    for process in runners():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def test_a_run_goes_from_the_queue_to_scored_predictions(hub, node, run_of, small_model, inputs):
    started = node(wait_seconds=20)
    tmp_path = started.agent.data_dir.parent
    time.sleep(1)
    run = hub.queue(run_of(small_model))
    queued_at = time.monotonic()

    run.wait_for("claimed", "running", "scoring")
    assert (
        time.monotonic() - queued_at < 10
    )  # on a busy machine; who did not hear of it at once would ask again after 20
    run.wait_for("scoring", "failed")

    assert run.failure is None
    assert run.completed == {"converted": {}}
    assert set(run.outputs) >= {"predictions.jsonl", "measurements.json"}
    for name, content in run.outputs.items():
        (tmp_path / name).write_bytes(content)
    values = score(LANGID, inputs.gold, read_predictions(LANGID, tmp_path))
    assert values[0].n == inputs.rows
    assert [beat["phase"] for beat in run.heartbeats if beat["phase"] == "running"]
    facts = json.loads(run.outputs["measurements.json"])
    assert facts["parameters"] == check_snapshot(small_model).parameters
    assert hub.nodes[0]["sandbox"] == started.agent.level
    assert hub.nodes[0]["versions"]["torch"].startswith("2.")
    assert hub.nodes[0]["hardware"]["cores"] >= 1
    scoped = [headers for _, path, headers in hub.requests if "/runs/" in path]
    assert all(headers.get("X-Run-Lease") and headers["Authorization"].startswith("Bearer ") for headers in scoped)
    # Nothing of the run stays but the cache.
    started.end()
    assert list((tmp_path / "node" / "runs").iterdir()) == []
    assert hub.downloads["model.safetensors"] == [0]


def test_a_broken_model_fails_with_the_runners_sentence(hub, node, run_of, small_model, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in small_model.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"model_type": "quantum"}))
    node()

    run = hub.queue(run_of(broken))
    run.wait_for("failed", "scoring")

    assert run.failure["reason"] == "unsupported"
    assert "architecture 'quantum' is not known" in run.failure["message"]
    assert run.outputs == {}


def test_a_cancelled_run_is_ended_while_it_computes(hub, node, run_of, slow_model, small_model):
    node()
    run = hub.queue(run_of(slow_model))
    run.wait_for_phase("running")
    assert runners()

    run.cancel = True
    follower = hub.queue(run_of(small_model, run_id=2))
    follower.wait_for("claimed", "running", "scoring")

    assert run.state == "running"  # the hub decides what becomes of it; the node says nothing more
    assert run.outputs == {}
    assert run.failure is None


def test_a_cancelled_run_is_ended_while_its_files_are_fetched(hub, node, run_of, slow_model):
    hub.slow_piece_seconds = 0.1
    started = node()
    run = hub.queue(run_of(slow_model))
    run.wait_for_phase("fetching")

    run.cancel = True
    asked = time.monotonic()
    while list((started.agent.data_dir / "runs").iterdir()):
        assert time.monotonic() - asked < 10
        time.sleep(0.02)

    assert runners() == []
    assert run.outputs == {}


def test_a_lost_lease_kills_the_child_and_forgets_the_run(hub, node, run_of, slow_model):
    started = node()
    run = hub.queue(run_of(slow_model))
    run.wait_for_phase("running")

    run.lease_lost = True
    asked = time.monotonic()
    while runners() or list((started.agent.data_dir / "runs").iterdir()):
        assert time.monotonic() - asked < 30
        time.sleep(0.05)

    assert run.failure is None
    assert run.outputs == {}


def test_a_stopped_node_gives_its_run_back_and_resumes_it_later(hub, node, run_of, medium_model):
    started = node()
    run = hub.queue(run_of(medium_model))
    run.wait_for_phase("running")
    while not any(beat["phase"] == "running" and beat["done"] > 0 for beat in run.heartbeats):
        time.sleep(0.02)

    started.end()
    assert run.failure["reason"] == "lost"
    assert runners() == []
    run.failure, run.state = None, "queued"
    node()
    run.wait_for("scoring", "failed")

    assert run.failure is None
    assert json.loads(run.outputs["measurements.json"])["items_resumed"] > 0


def test_a_child_that_dies_while_it_measures_the_cost_loses_the_figures_and_not_the_answers(
    hub, node, run_of, small_model
):
    node()
    run = run_of(small_model)
    run.spec["efficiency"] = {"scenarios": ["single_stream"], "min_seconds": 100, "max_seconds": 110}
    hub.queue(run)
    run.wait_for_phase("measuring")

    kill_runners()
    run.wait_for("scoring", "failed")

    assert run.failure is None
    assert set(run.outputs) >= {"predictions.jsonl", "measurements.json"}
    assert "efficiency" not in json.loads(run.outputs["measurements.json"])


@pytest.mark.slow
def test_a_child_that_dies_while_it_takes_answers_apart_loses_nothing_else(hub, node, run_of, small_model, inputs):
    run = run_of(small_model)
    run.spec["interpret"] = {
        "method": "integrated-gradients", "steps": 1000, "baseline": "auto", "max_seconds": 110,
        "items": [row["id"] for row in inputs.gold],
    }  # fmt: skip
    node()
    hub.queue(run)
    run.wait_for_phase("explaining")

    kill_runners()
    run.wait_for("scoring", "failed")

    assert run.failure is None
    assert {"predictions.jsonl", "measurements.json"} <= set(run.outputs)
    assert "attributions.json" not in run.outputs


def test_a_run_that_takes_too_long_is_ended(hub, node, run_of, slow_model):
    node()
    run = hub.queue(run_of(slow_model, minutes=3 / 60))

    run.wait_for("failed", "scoring")

    assert run.failure["reason"] == "timeout"
    assert "0.05 minutes" in run.failure["message"]
    assert runners() == []


def test_a_run_that_takes_too_much_memory_is_ended(hub, node, run_of, slow_model):
    node()
    run = hub.queue(run_of(slow_model, ram_gb=0.1))

    run.wait_for("failed", "scoring")

    assert run.failure["reason"] == "does_not_fit"
    assert "0.1 GB of memory" in run.failure["message"]


@pytest.mark.slow
def test_a_config_that_asks_for_endless_layers_is_ended_and_the_node_lives_on(hub, node, run_of, small_model, tmp_path):
    endless = shutil.copytree(small_model, tmp_path / "endless")
    config = json.loads((endless / "config.json").read_text())
    (endless / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 10**9}))
    node()

    run = hub.queue(run_of(endless, ram_gb=0.8))
    follower = hub.queue(run_of(small_model, run_id=2))
    follower.wait_for("scoring", "failed")

    assert run.failure["reason"] == "does_not_fit"
    assert "0.8 GB of memory" in run.failure["message"]
    assert follower.failure is None
    assert runners() == []


def test_results_larger_than_allowed_are_not_sent(hub, node, run_of, small_model):
    node()
    run = hub.queue(run_of(small_model, output_mb=0.9))

    run.wait_for("failed", "scoring")

    assert run.failure["reason"] == "bad_output"
    assert run.outputs == {}


def test_a_hub_that_restarts_is_waited_for(hub, node, run_of, small_model):
    hub.away = True
    started = node()
    time.sleep(0.5)
    assert hub.nodes == []

    hub.away = False
    run = hub.queue(run_of(small_model))
    run.wait_for("claimed", "running", "scoring")

    assert started.error is None
    assert hub.nodes


def test_a_node_that_the_hub_does_not_know_ends(hub, node):
    started = node(token="forged")

    started.thread.join(30)

    assert "no such node" in str(started.error)


def test_a_node_with_weaker_walls_than_required_refuses_the_run(hub, node, run_of, small_model):
    started = node()
    started.agent.level = "none"
    run = hub.queue(run_of(small_model))

    run.wait_for("failed", "scoring")

    assert run.failure["reason"] == "node_error"
    assert "namespaces is the minimum, none is what works here" in run.failure["message"]


def test_every_level_of_walls_gives_the_same_predictions(hub, node, run_of, small_model, tmp_path):
    found = {}
    for number, level in enumerate(LEVELS, start=1):
        started = node(sandbox_min="none", data_dir=tmp_path / level)
        started.agent.level = level
        run = hub.queue(run_of(small_model, run_id=number))
        run.wait_for("scoring", "failed")
        assert run.failure is None, run.failure
        found[level] = run.outputs["predictions.jsonl"]
        started.end()

    assert len(set(found.values())) == 1
