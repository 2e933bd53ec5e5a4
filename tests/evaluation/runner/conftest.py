"""Models and benchmark inputs shared by the runner's tests."""

import json

import pytest
import torch

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions, run_spec
from evaluation.runner.__main__ import main
from tests.evaluation.runner import models

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def text_classifier(tmp_path_factory):
    return models.save_text_classifier(tmp_path_factory.mktemp("langid"), DEFINITIONS["langid"].label_names)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    return models.save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def digit_reader(tmp_path_factory):
    return models.save_digit_reader(tmp_path_factory.mktemp("vit"))


@pytest.fixture(scope="session")
def inputs_of(tmp_path_factory):
    """Materialised inputs of a benchmark: a function from its name."""
    known = {}

    def find(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(f"inputs-{name}")
            known[name] = readers.materialise(DEFINITIONS[name], run_seed="test", directory=folder)
        return known[name]

    return find


class Bench:
    """Writes a specification and runs the runner on it, in this process."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys = folder, capsys

    def spec(self, benchmark, model, inputs, **changes):
        run = run_spec(DEFINITIONS[benchmark]) | {
            "run_id": "1",
            "model_dir": str(model),
            "inputs": str(inputs.directory / "inputs.jsonl" if hasattr(inputs, "directory") else inputs),
            "output": "run",
        }
        return self.write({"protocol": 1, "device": "cpu", "runs": [run | changes]})

    def write(self, body):
        self.folder.mkdir(exist_ok=True)
        path = self.folder / "spec.json"
        path.write_text(json.dumps(body))
        return path

    def run(self, *arguments, **changes):
        """(exit code, events) of one run."""
        path = self.spec(*arguments, **changes)
        self.capsys.readouterr()
        code = main(["--spec", str(path), "--output", str(self.folder / "out")])
        return code, [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]

    @property
    def output(self):
        return self.folder / "out" / "run"


@pytest.fixture
def bench(tmp_path, capsys):
    return Bench(tmp_path / "bench", capsys)
