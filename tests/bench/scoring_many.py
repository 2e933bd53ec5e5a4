"""Scoring a million predictions: seconds and memory, in a process of its own.

.venv/bin/python -m tests.bench.scoring_many --json --items 1000000
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.site import progress
from tests.bench.table import Row, at_most

LABELS = [f"label {number}" for number in range(10)]


def measure(items: int) -> list[Row]:
    progress(f"scoring: {items} predictions")
    command = [sys.executable, "-m", "tests.bench.scoring_many", "--json", "--items", str(items)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tests.bench.scoring_many: {done.stdout}\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    title, detail = f"scoring {items} predictions, 2 000 draws", f"reading {found['reading_seconds']:.1f} s of it"
    seconds, megabytes = found["seconds"], found["peak_mb"]
    return [
        at_most(f"{title}: wall", f"{seconds:.1f} s", detail, value=seconds, most=20, unit="s"),
        at_most(f"{title}: memory", f"{megabytes:.0f} MB", "whole process", value=megabytes, most=1000, unit="MB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--items", type=int, default=1_000_000)
    items = parser.parse_args().items
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gold = _written(folder, items)
        print(json.dumps(_scored(folder, gold)))


def _scored(folder: Path, gold: list[dict[str, str]]) -> dict[str, float]:
    from evaluation.benchmarks.definitions import load_definition
    from evaluation.metrics.predictions import read_predictions
    from evaluation.metrics.scoring import judge

    definition = load_definition(_definition(len(gold)))
    started = time.perf_counter()
    found = read_predictions(definition, folder)
    reading = time.perf_counter() - started
    judgement = judge(definition, gold, found)
    for column in judgement.columns:
        column.packed()
    seconds = time.perf_counter() - started
    assert {value.n for value in judgement.values} == {len(gold)}
    return {"seconds": seconds, "reading_seconds": reading, "peak_mb": _peak_bytes() / 1e6}


def _written(folder: Path, items: int) -> list[dict[str, str]]:
    """Nine answers of ten are right; gold as the reader gives it."""
    chance, gold = random.Random(7), []
    with (folder / "predictions.jsonl").open("w") as file:
        for number in range(items):
            right = chance.randrange(len(LABELS))
            said = right if chance.random() < 0.9 else chance.randrange(len(LABELS))
            sure = 0.5 + chance.random() / 2
            probs = [sure if at == said else (1 - sure) / (len(LABELS) - 1) for at in range(len(LABELS))]
            file.write(json.dumps({"id": f"{number:020x}", "label": LABELS[said], "probs": probs}) + "\n")
            gold.append({"id": f"{number:020x}", "label": LABELS[right]})
    return gold


def _definition(items: int) -> str:
    labels = ", ".join(f"{number}: {name}" for number, name in enumerate(LABELS))
    return f"""
schema: 1
id: many
version: 1
title: Many items
task: text-classification
tasks: [text-classification]
dataset: {{repo: "builtin:many", revision: "none==1", expect_rows: {items}}}
labels: {{{labels}}}
request: classify
metrics:
  - {{name: macro_f1, primary: true}}
  - {{name: accuracy}}
  - {{name: mcc}}
  - {{name: ece}}
  - {{name: brier}}
  - {{name: log_loss}}
"""


def _peak_bytes() -> int:
    """The high-water mark of this very process; `getrusage` would begin with that of its parent."""
    status = Path(f"/proc/{psutil.Process().pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


if __name__ == "__main__":
    main()
