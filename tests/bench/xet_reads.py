"""`hf download` of one file through Xet beside plain HTTP: which way the same client is faster, and what each costs."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.site import MB, Site, progress, random_file
from tests.bench.table import Row
from tests.processes import free_port, wait_for


@dataclass(frozen=True)
class Way:
    """A web server over the same site that names, or does not name, a Xet hash for every file."""

    name: str
    port: int
    root: psutil.Process

    def cpu_seconds(self) -> float:
        return sum(sum(one.cpu_times()[:2]) for one in (self.root, *self.root.children(recursive=True)))


@dataclass(frozen=True)
class Fetched:
    """One download: seconds on the clock, and on the server's processors."""

    wall: float
    cpu: float


def measure(site: Site, sizes: tuple[int, ...], rounds: int) -> list[Row]:
    ways = [_way(site, "Xet", above=0), _way(site, "plain", above=10**15)]
    return [row for size in sizes for row in _compared(site, ways, size, rounds)]


def _way(site: Site, name: str, *, above: int) -> Way:
    port = free_port()
    child = site.hub.start(
        f"reads-{name.lower()}",
        *("-m", "gunicorn", "-c", "python:marketplace.web_server", "marketplace.wsgi"),
        BIND=f"127.0.0.1:{port}",
        XET_READS_ABOVE_BYTES=str(above),
        DRAIN_SECONDS="2",
    )
    wait_for(f"http://127.0.0.1:{port}/health/ready", timeout_seconds=90)
    return Way(name, port, psutil.Process(child.process.pid))


def _compared(site: Site, ways: list[Way], size: int, rounds: int) -> list[Row]:
    progress(f"Xet reads: sending {size // MB} MB")
    file = site.files / "reads.bin"
    random_file(file, size)
    repo = f"ann/reads-{size // MB}"
    site.upload(file, repo, with_xet=False)
    file.unlink()
    taken: dict[str, list[Fetched]] = {way.name: [] for way in ways}
    for number in range(rounds + 1):
        progress(f"Xet reads: round {number} of {rounds}")
        for way in ways if number % 2 else reversed(ways):
            fetched = _download(site, way, repo, size)
            if number:  # the first brings the file into the page cache
                taken[way.name].append(fetched)
    return _rows(f"hf download of {size / MB:.0f} MB", taken, size)


def _download(site: Site, way: Way, repo: str, size: int) -> Fetched:
    folder = site.files / "reads"
    command = [Path(sys.executable).with_name("hf"), "download", repo, "weights.bin", "--local-dir", folder]
    environment = site.client(with_xet=True, home="home-reads") | {"HF_ENDPOINT": f"http://127.0.0.1:{way.port}"}
    before, began = way.cpu_seconds(), time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=site.files, capture_output=True, text=True, check=False)
    wall, cpu = time.perf_counter() - began, way.cpu_seconds() - before
    if done.returncode or (folder / "weights.bin").stat().st_size != size:
        raise RuntimeError(f"hf download: {done.stdout}\n{done.stderr}\n{site.hub.logs()}")
    shutil.rmtree(folder)
    shutil.rmtree(site.files / "home-reads")
    return Fetched(wall, cpu)


def _rows(title: str, taken: dict[str, list[Fetched]], size: int) -> list[Row]:
    wall = {name: statistics.median(one.wall for one in many) for name, many in taken.items()}
    cpu = {name: statistics.median(one.cpu for one in many) * 1000 * MB / size for name, many in taken.items()}
    spread = {name: f"{min(x.wall for x in many):.1f}–{max(x.wall for x in many):.1f}" for name, many in taken.items()}
    return [
        Row(
            f"{title}, through Xet: wall",
            f"{wall['Xet']:.1f} s ({spread['Xet']})",
            f"plain HTTP {wall['plain']:.1f} s ({spread['plain']})",
            wall["Xet"] / wall["plain"],
        ),
        Row(
            f"{title}, through Xet: web CPU a GB",
            f"{cpu['Xet']:.2f} s",
            f"plain HTTP {cpu['plain']:.2f} s",
            cpu["Xet"] / max(cpu["plain"], 0.001),
        ),
    ]
