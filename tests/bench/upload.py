"""`hf upload` of a big file, with and without Xet, beside `cp`, `sha256sum` and `sync` of the same file."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench import registry, web_processes
from tests.bench.download import REGISTRY, memory_row
from tests.bench.site import MB, Site, progress, random_file
from tests.bench.table import Row


@dataclass(frozen=True)
class Spent:
    """Of one pass: on the clock, and on the processors of the side that keeps the bytes."""

    wall: float
    cpu: float


def measure(site: Site, size: int, rounds: int) -> list[Row]:
    rows = _registry_rows(site, size, rounds)
    idle = web_processes.memory(site.hub)
    for name, with_xet in (("Xet", True), ("plain LFS", False)):
        kept, copied, usages = [], [], []
        for number in range(rounds):
            progress(f"upload by {name}: round {number + 1} of {rounds}")
            file = site.files / "upload.bin"
            random_file(file, size)
            copied.append(_copied(file))
            usage, spent = _uploaded(site, file, f"ann/{name.split()[0].lower()}-{number}", with_xet=with_xet)
            kept.append(spent)
            usages.append(usage)
            file.unlink()
        rows += _rows(f"upload of {size / MB:.0f} MB, {name}", kept, copied)
        rows.append(memory_row(f"web memory, upload by {name}", max(usages, key=lambda one: one.together_peak), idle))
    return rows


def _uploaded(site: Site, file: Path, repo: str, *, with_xet: bool) -> tuple[web_processes.Usage, Spent]:
    os.sync()  # nobody pays for what others left to write
    with web_processes.watched(site.hub) as usage:
        started = time.perf_counter()
        site.upload(file, repo, with_xet=with_xet)
        wall = time.perf_counter() - started
    return usage, Spent(wall, usage.cpu_seconds)


def _registry_rows(site: Site, size: int, rounds: int) -> list[Row]:
    """What another server needs for the same file; it hashes what it gets, too."""
    with registry.running(site.hub.home) as other:
        if other is None:
            return []
        pushed, copied = [], []
        for number in range(rounds):
            progress(f"upload to {REGISTRY}: round {number + 1} of {rounds}")
            file = site.files / "upload.bin"
            sha256 = random_file(file, size)
            copied.append(_copied(file).wall)
            os.sync()
            started = time.perf_counter()
            other.push(file, sha256)
            pushed.append(time.perf_counter() - started)
            file.unlink()
    wall, least = statistics.median(pushed), statistics.median(copied)
    what = f"upload of {size / MB:.0f} MB to {REGISTRY} by curl, for comparison: wall"
    return [Row(what, f"{wall:.1f} s", f"cp + sha256sum + sync {least:.1f} s", wall / least)]


def _copied(file: Path) -> Spent:
    """The least that keeping a file and knowing its sha256 can cost."""
    copy = file.with_suffix(".copy")
    os.sync()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        ["sh", "-c", 'cp "$0" "$1" && sha256sum "$1" && sync "$1"', file, copy], check=True, stdout=subprocess.DEVNULL
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    copy.unlink()
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _rows(title: str, kept: list[Spent], copied: list[Spent]) -> list[Row]:
    wall, least_wall = (statistics.median(one.wall for one in many) for many in (kept, copied))
    cpu, least_cpu = (statistics.median(one.cpu for one in many) for many in (kept, copied))
    beside = "cp + sha256sum + sync"
    return [
        Row(f"{title}: wall", f"{wall:.1f} s", f"{beside} {least_wall:.1f} s", wall / least_wall),
        Row(f"{title}: web CPU", f"{cpu:.1f} s", f"{beside} {least_cpu:.1f} s", cpu / max(least_cpu, 0.001)),
    ]
