"""What circles of several tasks share: a tiny model goes the whole way, and the same runner answers in this process."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions, run_spec
from evaluation.benchmarks.schema import Definition
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import MetricValue, score
from evaluation.runner.__main__ import main
from tests.evaluation.test_circle import Circle

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}
SEED = "independent"  # of the items' names: other names and another order than on the site


def from_upload_to_score(circle: Circle, name: str, tag: str, build: Callable[[Path], Path], place: Path):
    """The folder of a new model of this task, and its run on the benchmark of this name."""
    torch.set_num_threads(1)
    folder = build(place)
    (folder / "README.md").write_text(f"---\npipeline_tag: {tag}\nlicense: mit\n---\n# A tiny model\n")
    circle.upload(name, folder)
    run = circle.wait(circle.ask(name, benchmark=name))
    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    return folder, run


def scored_here(
    definition: Definition, folder: Path, place: Path, *, order: Callable[[list[Any]], list[Any]] = list
) -> list[MetricValue]:
    """All scores by the same runner in this process, the primary one first.

    Args:
        order: of the gold rows, where the scores depend on it.
    """
    made = readers.materialise(definition, run_seed=SEED, directory=place)
    run = run_spec(definition) | {
        "run_id": "1", "model_dir": str(folder), "inputs": str(place / "inputs.jsonl"), "output": "run",
    }  # fmt: skip
    (place / "spec.json").write_text(json.dumps({"protocol": 1, "device": "cpu", "runs": [run]}))
    assert main(["--spec", str(place / "spec.json"), "--output", str(place / "out")]) == 0
    few = dataclasses.replace(definition, uncertainty=dataclasses.replace(definition.uncertainty, resamples=100))
    return score(few, order(made.gold), read_predictions(few, place / "out" / "run"))
