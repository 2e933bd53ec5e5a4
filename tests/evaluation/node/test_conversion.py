"""A node converts pickled weights behind its walls, and believes nothing of what comes out."""

import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluation.node.conversion import take_over
from evaluation.node.errors import RunFailed
from evaluation.runner import PROTOCOL
from evaluation.runner.__main__ import main
from evaluation.runner.snapshot import check_snapshot


@pytest.fixture
def folders(tmp_path):
    """A model in two pickled shards with their index, and what became of them."""
    model, converted = tmp_path / "model", tmp_path / "converted"
    model.mkdir()
    converted.mkdir()
    (model / "config.json").write_text("{}")
    shards = {"a": "00001-of-00002", "b": "00002-of-00002"}
    for name, shard in shards.items():
        torch.save({name: torch.ones(3)}, model / f"pytorch_model-{shard}.bin")
        save_file({name: torch.ones(3)}, converted / f"model-{shard}.safetensors")
    table = {name: f"pytorch_model-{shard}.bin" for name, shard in shards.items()}
    (model / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": table}))
    return model, converted


def test_shards_take_the_place_of_the_pickled_ones(folders):
    model, converted = folders

    facts = take_over(model, converted)

    first = model / "model-00001-of-00002.safetensors"
    assert facts[first.name] == {
        "from": "pytorch_model-00001-of-00002.bin",
        "sha256": hashlib.sha256(first.read_bytes()).hexdigest(),
        "size": first.stat().st_size,
    }
    assert check_snapshot(model).parameters == 6
    assert list(model.glob("*-of-*.bin")) == []


def link(model, converted, path):
    secret = converted.parent / "secret"
    path.rename(secret)
    path.symlink_to(secret)


def second_name(model, converted, path):
    (converted.parent / "other").hardlink_to(path)


def missing(model, converted, path):
    path.unlink()


def nonsense(model, converted, path):
    path.write_bytes(b"x" * 100)


def huge(model, converted, path):
    with path.open("ab") as stream:
        stream.truncate(2**30)


def other_names(model, converted, path):
    save_file({"c": torch.ones(3)}, path)


def index_of_something_else(model, converted, path):
    (model / "pytorch_model.bin.index.json").write_text('{"weight_map": {"a": "x.bin"}}')


def no_index(model, converted, path):
    (model / "pytorch_model.bin.index.json").write_text('{"weight_map": [1]}')


@pytest.mark.parametrize(
    ("spoil", "reason", "said"),
    [
        (link, "sandbox_violation", "no plain file"),
        (second_name, "sandbox_violation", "no plain file"),
        (missing, "sandbox_violation", "left no file"),
        (nonsense, "sandbox_violation", "left no weights"),
        (huge, "sandbox_violation", "more than it may"),
        (other_names, "unsupported", "do not agree on"),
        (index_of_something_else, "unsupported", "do not agree on"),
        (no_index, "unsupported", "has no weight_map"),
    ],
)
def test_a_conversion_that_is_not_what_it_should_be_is_refused(folders, spoil, reason, said):
    model, converted = folders
    spoil(model, converted, converted / "model-00001-of-00002.safetensors")

    with pytest.raises(RunFailed, match=said) as failed:
        take_over(model, converted)

    assert failed.value.reason == reason
    assert list(model.glob("*.safetensors")) == []


def pickled(model, folder):
    shutil.copytree(model, folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_a_pickled_model_gives_the_predictions_of_its_safetensors(hub, node, run_of, small_model, tmp_path):
    node()
    run = run_of(pickled(small_model, tmp_path / "pickled"))
    plain = run.spec | {"run_id": "1", "model_dir": str(small_model), "inputs": str(run.inputs["inputs.jsonl"])}
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"protocol": PROTOCOL, "device": "cpu", "runs": [plain]}))
    assert main(["--spec", str(spec), "--output", str(tmp_path / "plain")]) == 0

    hub.queue(run).wait_for("scoring", "failed")

    assert run.failure is None
    assert run.outputs["predictions.jsonl"] == (tmp_path / "plain" / "predictions.jsonl").read_bytes()
    ((name, facts),) = run.completed["converted"].items()
    assert (name, facts["from"]) == ("model.safetensors", "pytorch_model.bin")
    assert len(facts["sha256"]) == 64


def test_without_walls_nothing_pickled_is_read(hub, node, run_of, small_model, tmp_path):
    started = node(sandbox_min="none")
    started.agent.level = "none"
    run = hub.queue(run_of(pickled(small_model, tmp_path / "pickled")))

    run.wait_for("scoring", "failed")

    assert run.failure["reason"] == "node_error"
    assert "behind walls only" in run.failure["message"]
