"""The runner beside `transformers.pipeline`, in a process of its own: tests/bench/runner_vs_pipeline.py."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.bench.site import progress
from tests.bench.table import Row, at_least


def measure(texts: int) -> list[Row]:
    progress(f"runner: {texts} texts")
    command = [sys.executable, "-m", "tests.bench.runner_vs_pipeline", "--json", "--texts", str(texts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tests.bench.runner_vs_pipeline: {done.stdout}\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    title, equal = f"runner, {texts} uneven texts", bool(found["equal_labels"])
    speeds = (f"{found['runner_per_second']:.0f}/s", f"pipeline(batch_size=32) {found['pipeline_per_second']:.0f}/s")
    difference = f"largest difference {found['largest_difference']:.0e}"
    return [
        at_least(title, *speeds, ratio=found["ratio"], least=3),
        Row(f"{title}: answers", "the same" if equal else "others", difference, None, "equal labels", equal),
    ]
