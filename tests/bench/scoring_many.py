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
GROUPS = ("north", "east", "south", "west")
SLICES = "slices:\n  - {name: origin, by: group, role: fairness}\n"


def measure(items: int) -> list[Row]:
    rows = []
    for groups in (False, True):
        title = f"scoring {items} predictions, 2 000 draws" + f", {len(GROUPS)} groups compared" * groups
        progress(title)
        command = [sys.executable, "-m", "tests.bench.scoring_many", "--json", "--items", str(items)]
        done = subprocess.run(command + ["--groups"] * groups, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"tests.bench.scoring_many: {done.stdout}\n{done.stderr}")
        found = json.loads(done.stdout.splitlines()[-1])
        seconds, megabytes = found["seconds"], found["peak_mb"]
        detail = f"reading {found['reading_seconds']:.1f} s of it; processor {found['cpu_seconds']:.1f} s"
        rows += [
            at_most(f"{title}: wall", f"{seconds:.1f} s", detail, value=seconds, most=20, unit="s"),
            at_most(f"{title}: memory", f"{megabytes:.0f} MB", "whole process", value=megabytes, most=1000, unit="MB"),
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--groups", action="store_true", help="compare groups of items besides, as for fairness")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gold = _written(folder, options.items)
        print(json.dumps(_scored(folder, gold, groups=options.groups)))


def _scored(folder: Path, gold: list[dict[str, str]], *, groups: bool) -> dict[str, float]:
    from evaluation.benchmarks.definitions import load_definition
    from evaluation.metrics.predictions import read_predictions
    from evaluation.metrics.scoring import judge

    definition = load_definition(_definition(len(gold)) + SLICES * groups)
    started, processor = time.perf_counter(), time.process_time()
    found = read_predictions(definition, folder)
    reading = time.perf_counter() - started
    judgement = judge(definition, gold, found)
    for column in judgement.columns:
        column.packed()
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    assert {value.n for value in judgement.values if not value.slice} == {len(gold)}
    assert any(value.metric == "equalized_odds_difference" for value in judgement.values) == groups
    return {
        "seconds": seconds,
        "cpu_seconds": processor,
        "reading_seconds": reading,
        "peak_mb": _peak_bytes() / 1e6,
    }


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
            group = GROUPS[min(int(chance.random() ** 2 * (len(GROUPS) + 1)), len(GROUPS) - 1)]  # of unequal size
            gold.append({"id": f"{number:020x}", "label": LABELS[right], "group": group})
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
