"""Many small files at once: 25 000 in one commit of the API, 100 000 in one `git push`; time, and memory of the web."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx

from tests.bench import web_processes
from tests.bench.git_over_http import git, many_files
from tests.bench.requests import committed, created, file_operation
from tests.bench.site import Site, progress
from tests.bench.table import Row, at_most

MOST_MEMORY_MB = 250  # of one web process


def measure_commit(site: Site, files: int) -> list[Row]:
    progress(f"a commit of {files} new files")
    operations = [file_operation(f"d{n % 50}/{n}.txt", f"text number {n}\n" * 50) for n in range(files)]
    with httpx.Client(base_url=site.hub.url, headers={"Authorization": f"Bearer {site.token}"}, timeout=600) as http:
        created(http, "many")
        committed(http, "many", [file_operation("warm.txt", "up\n")])
        with web_processes.watched(site.hub) as usage:
            seconds = committed(http, "many", operations)
    return _rows(f"commit of {files} new files", seconds, usage)


def measure_push(site: Site, files: int) -> list[Row]:
    progress(f"git push of {files} files")
    source = many_files(site.files / "pushed", files)
    with httpx.Client(base_url=site.hub.url, headers={"Authorization": f"Bearer {site.token}"}, timeout=600) as http:
        created(http, "pushed")
    address = f"http://user:{site.token}@{site.hub.url.removeprefix('http://')}/ann/pushed"
    with web_processes.watched(site.hub) as usage:
        began = time.perf_counter()
        _push(source, address)
        seconds = time.perf_counter() - began
    return _rows(f"git push of {files} files", seconds, usage)


def _push(source: Path, address: str) -> None:
    try:
        git("push", "-q", "--force", address, "main", cwd=source)
    except subprocess.CalledProcessError as problem:
        raise RuntimeError(problem.stderr.decode()) from None


def _rows(title: str, seconds: float, usage: web_processes.Usage) -> list[Row]:
    largest = max(usage.rss_peaks.values()) / 1e6
    return [
        Row(title, f"{seconds:.1f} s", f"web CPU {usage.cpu_seconds:.1f} s"),
        at_most(
            f"{title}: largest web process", f"{largest:.0f} MB", "", value=largest, most=MOST_MEMORY_MB, unit="MB"
        ),
    ]
