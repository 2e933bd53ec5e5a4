"""First pages with many models (tests/bench/listing.py), beside the promise and beside a site with few models."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass

from tests.bench.site import progress
from tests.bench.table import Row, at_most

MOST_MS = 50
FEW = 1000
PAGES = {"/models": "page /models", "/api/models?limit=30": "list_models"}
_LINE = re.compile(
    r"^\s*(?P<p50>[\d.]+)\s+(?P<p95>[\d.]+)\s+(?P<cpu>[\d.]+)\s+(?P<queries>\d+)\s+(?P<address>/\S*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Page:
    p50_ms: float
    p95_ms: float
    cpu_ms: float  # of our own thread; the rest is waiting for PostgreSQL
    queries: int


def measure(models: int, requests: int) -> list[Row]:
    few, many = _pages(FEW, requests), _pages(models, requests)
    rows = []
    for address, name in PAGES.items():
        page, small = many[address], few[address]
        here = f"p50 {page.p50_ms:.1f} ms, p95 {page.p95_ms:.1f} ms, CPU {page.cpu_ms:.1f} ms"
        title = f"{name}, {models} models"
        rows += [
            at_most(title, here, f"promise {MOST_MS} ms", value=page.p95_ms, most=MOST_MS, unit="ms at p95"),
            Row(
                f"{title}: queries",
                str(page.queries),
                f"{FEW} models: {small.queries}",
                page.queries / small.queries,
                "the same number",
                page.queries == small.queries,
            ),
        ]
    return rows


def _pages(models: int, requests: int) -> dict[str, Page]:
    progress(f"lists: {models} models")
    command = [sys.executable, "-m", "tests.bench.listing", str(models), str(requests)]
    # It starts its own servers; those that tests.session named for this process do not run here.
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = {
        line["address"]: Page(float(line["p50"]), float(line["p95"]), float(line["cpu"]), int(line["queries"]))
        for line in _LINE.finditer(done.stdout)
    }
    if not PAGES.keys() <= found.keys():
        raise RuntimeError(f"tests.bench.listing: {done.stdout}\n{done.stderr}")
    return found
