"""One file of tens of GB through Xet by the real client: what the web's memory does, and what the disk holds then."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from tests.bench import web_processes
from tests.bench.site import MB, Site, progress
from tests.bench.table import Row, at_most

MEMORY_MB = 250  # of each web process, all told
DISK_SHARE = 1.05
PAGE_BYTES = 4096
PAGES = 2048  # written at a time, each twice


def measure(site: Site, size: int) -> list[Row]:
    """Needs two and a half times `size` on the disk: the file, its xorbs while they wait, its blob."""
    idle = web_processes.memory(site.hub)
    file = site.files / "large.bin"
    progress(f"large: making a file of {size // MB} MB")
    _write(file, size)
    progress("large: sending it by Xet")
    with web_processes.watched(site.hub) as first:
        seconds = _sent(site, file, "ann/large")
    held = _held(site)
    progress("large: sending it again, from a machine that was never here")
    with web_processes.watched(site.hub) as second:
        again = _sent(site, file, "ann/large-again")
    file.unlink()
    what = f"Xet upload of {size / MB:.0f} MB"
    title = f"{what}, once more into another repo"
    return [
        Row(f"{what}: wall", f"{seconds:.0f} s, {size / MB / seconds:.0f} MB/s", f"web CPU {first.cpu_seconds:.0f} s"),
        _memory(what, first, idle),
        _disk(what, held, size),
        Row(f"{title}: wall", f"{again:.0f} s", f"the first time {seconds:.0f} s", again / seconds),
        _memory(title, second, idle),
        _disk(title, _held(site), size),
    ]


def _write(file: Path, size: int) -> None:
    """Random pages, each twice in a row: no two chunks are equal, yet compression halves what waits in xorbs."""
    with file.open("wb") as target:
        left = size
        while left:
            pages = os.urandom(PAGE_BYTES * PAGES)
            twice = b"".join(pages[at : at + PAGE_BYTES] * 2 for at in range(0, len(pages), PAGE_BYTES))
            left -= target.write(twice[:left])


def _sent(site: Site, file: Path, repo: str) -> float:
    began = time.perf_counter()
    site.upload(file, repo, with_xet=True)
    seconds = time.perf_counter() - began
    shutil.rmtree(site.files / f"home-{repo.replace('/', '-')}")
    return seconds


def _held(site: Site) -> int:
    """Bytes on the disk below the store's folder."""
    files = [path.stat() for path in (site.hub.home / "blobs").rglob("*") if path.is_file()]
    return sum(one.st_blocks * 512 for one in files)


def _memory(what: str, usage: web_processes.Usage, idle: web_processes.Memory) -> Row:
    most = max(usage.rss_peaks.values()) / MB
    beside = f"idle {max(idle.rss.values()) / MB:.0f} MB"
    return at_most(f"web memory, {what}", f"{most:.0f} MB", beside, value=most, most=MEMORY_MB, unit="MB a process")


def _disk(what: str, held: int, size: int) -> Row:
    ratio = held / size
    beside, shown = f"the file {size / MB:.0f} MB", f"{held / MB:.0f} MB"
    return Row(f"disk after {what}", shown, beside, ratio, f"≤ {DISK_SHARE}", ratio <= DISK_SHARE)
