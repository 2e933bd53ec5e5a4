"""Pickled weights become safetensors byte for byte, or end in a sentence; none of their code runs."""

import collections
import json
import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file

from evaluation.runner.__main__ import main


@pytest.fixture
def convert(tmp_path, capsys):
    """A function that converts a model's folder: (exit code, last event)."""
    (tmp_path / "model").mkdir()
    (tmp_path / "output").mkdir()

    def run():
        code = main(["--convert", str(tmp_path / "model"), "--output", str(tmp_path / "output")])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()][-1]

    return run


def tied():
    table = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return collections.OrderedDict({
        "embedding": table,
        "head": table,
        "turned": table.T,
        "part": table[1:, :2],
        "half": torch.tensor([1.5, float("nan")], dtype=torch.bfloat16),
        "count": torch.tensor(7),
        "mask": torch.tensor([True, False]),
        "none": torch.zeros(0, 4),
    })  # fmt: skip


@pytest.mark.parametrize("is_zip", [True, False])
def test_weights_are_the_same_bytes_afterwards(convert, tmp_path, is_zip):
    weights = tied()
    torch.save(weights, tmp_path / "model" / "pytorch_model.bin", _use_new_zipfile_serialization=is_zip)

    code, _ = convert()

    found = load_file(tmp_path / "output" / "model.safetensors")
    assert code == 0
    assert set(found) == set(weights)
    for name, tensor in weights.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name].nan_to_num(0), tensor.nan_to_num(0)), name


def test_each_shard_becomes_a_shard(convert, tmp_path):
    for number in (1, 2):
        torch.save({f"w{number}": torch.ones(number)}, tmp_path / "model" / f"pytorch_model-0000{number}-of-00002.bin")

    assert convert()[0] == 0

    names = sorted(path.name for path in (tmp_path / "output").iterdir())
    assert names == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


class Calls:
    """Runs a command wherever it is unpickled without care."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def calling(path):
    torch.save({"w": torch.ones(2), "x": Calls(f"touch {path.parent}/harmed")}, path)


def calling_without_torch(path):
    path.write_bytes(pickle.dumps(Calls(f"touch {path.parent}/harmed"), protocol=2))


def whole_model(path):
    torch.save(torch.nn.Linear(2, 2), path)


def other_values(path):
    torch.save({"w": torch.ones(2), "epoch": 3}, path)


def nested(path):
    torch.save({"state_dict": {"w": torch.ones(2)}}, path)


def a_list(path):
    torch.save([torch.ones(2)], path)


def numbered(path):
    torch.save({1: torch.ones(2)}, path)


def unpacks_to_terabytes(path):
    torch.save({"w": torch.ones(1).expand(2**40)}, path)


def sparse(path):
    torch.save({"w": torch.eye(3).to_sparse()}, path)


def cut(path):
    torch.save({"w": torch.ones(200)}, path)
    path.write_bytes(path.read_bytes()[:300])


def empty(path):
    path.write_bytes(b"")


def zip_of_something_else(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "hello")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (calling, "asks for posix.system, which is not what weights consist of"),
        (calling_without_torch, "asks for posix.system, which"),
        (whole_model, "asks for torch.nn.modules.linear.Linear, which"),
        (other_values, "something other than plain weights: epoch"),
        (nested, "something other than plain weights: state_dict"),
        (a_list, "holds no table of weights"),
        (numbered, "a weight without a usable name"),
        (unpacks_to_terabytes, "would unpack to 4398.0 GB"),
        (sparse, "something other than plain weights: w"),
        (cut, "cannot be read"),
        (empty, "cannot be read"),
        (zip_of_something_else, "cannot be read"),
    ],
)
def test_what_is_no_table_of_weights_ends_in_a_sentence(convert, tmp_path, make, said):
    make(tmp_path / "model" / "pytorch_model.bin")

    code, event = convert()

    assert (code, event["reason"]) == (10, "unsupported")
    assert "pytorch_model.bin" in event["message"]
    assert said in event["message"]
    assert not (tmp_path / "model" / "harmed").exists()
    assert list((tmp_path / "output").iterdir()) == []
