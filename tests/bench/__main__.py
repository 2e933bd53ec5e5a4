"""All numbers of this project, measured side by side in one run: `make bench`.

    .venv/bin/python -m tests.bench [--quick] [--only download,upload,…] [--upload-gb 4]

Ends with 1 when a promise is missed; `--quick` proves only that everything can be measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import (
    download,
    large,
    lists,
    many_files,
    requests,
    runner,
    runs,
    scoring_many,
    snapshots,
    upload,
    xet_reads,
)
from tests.bench.site import MB, running
from tests.bench.table import Row, markdown

PARTS = ("download", "upload", "requests", "commit_25k", "push_100k", "snapshots", "lists", "runner", "scoring", "runs")
ONLY_WHEN_NAMED = ("xet_reads", "large")  # minutes and 8 GB of disk; half an hour and 50 GB


@dataclass(frozen=True)
class Sizes:
    download_bytes: int = 2000 * MB
    download_rounds: int = 11
    upload_bytes: int = 1000 * MB
    upload_rounds: int = 3
    small_requests: int = 4000
    request_rounds: int = 5
    small_files: int = 1000
    tree_files: int = 100_000
    committed_files: int = 25_000
    pushed_files: int = 100_000
    snapshot_file_bytes: int = 1000 * MB
    snapshot_small_files: int = 5000
    models: int = 100_000
    requests: int = 100
    answered: runner.Counts = field(default_factory=runner.Counts)
    scored_items: int = 1_000_000
    queued_runs: int = 200
    run_rounds: int = 5
    read_bytes: tuple[int, ...] = (300 * MB, 4000 * MB)
    read_rounds: int = 3
    large_bytes: int = 20_000 * MB


QUICK = Sizes(
    download_bytes=24 * MB,
    download_rounds=1,
    upload_bytes=16 * MB,
    upload_rounds=1,
    small_requests=200,
    request_rounds=1,
    small_files=50,
    tree_files=1500,
    committed_files=300,
    pushed_files=1000,
    snapshot_file_bytes=16 * MB,
    snapshot_small_files=50,
    models=2000,
    requests=10,
    answered=runner.Counts(texts=40, images=8, sounds=2, choices=2, documents=60, rounds=1),
    scored_items=30_000,
    queued_runs=8,
    run_rounds=1,
    read_bytes=(16 * MB,),
    read_rounds=1,
    large_bytes=200 * MB,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; promises are not judged")
    parser.add_argument("--only", default=",".join(PARTS), help="some of: " + ", ".join(PARTS + ONLY_WHEN_NAMED))
    parser.add_argument("--large-mb", type=int, help="another size for the part `large`")
    parser.add_argument("--upload-gb", type=float, default=1, help="for the part `upload`; the promise is about 4")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(PARTS + ONLY_WHEN_NAMED):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    print(_circumstances(), flush=True)
    started = time.perf_counter()
    sizes = QUICK if options.quick else Sizes(upload_bytes=int(options.upload_gb * 1000) * MB)
    if options.large_mb:
        sizes = replace(sizes, large_bytes=options.large_mb * MB)
    rows = measured(chosen, sizes)
    if options.quick:
        rows = [replace(row, is_kept=None) for row in rows]
    print(f"\n{markdown(rows)}\n\n{time.perf_counter() - started:.0f} s; load at the end {os.getloadavg()[0]:.1f}")
    return int(any(row.is_kept is False for row in rows))


def measured(chosen: list[str], sizes: Sizes) -> list[Row]:
    """The processes of one part are gone before the next begins."""
    parts: dict[str, Callable[[], list[Row]]] = {
        "download": lambda: _on_a_site(download.measure, size=sizes.download_bytes, rounds=sizes.download_rounds),
        "upload": lambda: _on_a_site(upload.measure, size=sizes.upload_bytes, rounds=sizes.upload_rounds),
        "requests": lambda: _on_a_site(
            requests.measure,
            requests=sizes.small_requests,
            rounds=sizes.request_rounds,
            small_files=sizes.small_files,
            tree_files=sizes.tree_files,
        ),
        "commit_25k": lambda: _on_a_site(many_files.measure_commit, files=sizes.committed_files),
        "push_100k": lambda: _on_a_site(many_files.measure_push, files=sizes.pushed_files),
        "snapshots": lambda: _on_a_site(
            snapshots.measure, size=sizes.snapshot_file_bytes, small_files=sizes.snapshot_small_files
        ),
        "lists": lambda: lists.measure(sizes.models, sizes.requests),
        "runner": lambda: runner.measure(sizes.answered),
        "scoring": lambda: scoring_many.measure(sizes.scored_items),
        "runs": lambda: _on_a_site(runs.measure, runs=sizes.queued_runs, rounds=sizes.run_rounds),
        "xet_reads": lambda: _on_a_site(xet_reads.measure, sizes=sizes.read_bytes, rounds=sizes.read_rounds),
        "large": lambda: _on_a_site(large.measure, size=sizes.large_bytes),
    }
    return [row for part in PARTS + ONLY_WHEN_NAMED if part in chosen for row in parts[part]()]


def _on_a_site(measure: Callable[..., list[Row]], **sizes: Any) -> list[Row]:
    with running() as site:
        return measure(site, **sizes)


def _circumstances() -> str:
    """What a reader must know before believing a figure."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = int(next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))) / 1e6
    box = f"{models[0] if models else platform.machine()}, {cores} cores, {memory:.0f} GB, Linux {platform.release()}"
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    command = " ".join(["python -m tests.bench", *sys.argv[1:]])
    busy = " (BUSY: figures are low and uneven)" if load > cores / 2 else ""
    return f"{when}; {box}, Python {platform.python_version()}; `{command}`; load at the start {load:.1f}{busy}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


if __name__ == "__main__":
    raise SystemExit(main())
