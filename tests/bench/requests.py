"""Small requests by the thousand: HEAD of `resolve` beside a do-nothing view of the same server, and a huge tree."""

from __future__ import annotations

import base64
import json
import re
import statistics
import subprocess
import time

import httpx

from tests.bench.site import Site, progress
from tests.bench.table import Row, at_least, at_most

CONNECTIONS = 16
LEAST_RATIO = 0.25
MOST_COMMIT_SECONDS = 2
MOST_TREE_MS = 100
OPERATIONS = 25_000  # of one commit
_RATE = re.compile(r"Requests per second:\s+([\d.]+)")
_FAILED = re.compile(r"(?:Failed requests|Non-2xx responses):\s+([1-9]\d*)")


def measure(site: Site, *, requests: int, rounds: int, small_files: int, tree_files: int) -> list[Row]:
    with httpx.Client(base_url=site.hub.url, headers={"Authorization": f"Bearer {site.token}"}, timeout=300) as http:
        commit = _commit_of_small_files(http, small_files)
        rows = _head(site, requests, rounds)
        return [*rows, commit, _tree(http, tree_files)]


def _head(site: Site, requests: int, rounds: int) -> list[Row]:
    nothing = f"{site.hub.url}/health/live"
    asked = {
        "HEAD resolve of main": f"{site.hub.url}/ann/small/resolve/main/files/0.txt",
        "HEAD resolve of main, signed in": f"{site.hub.url}/ann/small/resolve/main/files/1.txt",
    }
    rates: dict[str, list[float]] = {name: [] for name in ("nothing", *asked)}
    for number in range(rounds):
        progress(f"requests: round {number + 1} of {rounds}")
        rates["nothing"].append(_rate(nothing, requests))
        for name, url in asked.items():
            rates[name].append(_rate(url, requests, token=site.token if "signed" in name else ""))
    beside = f"do-nothing view {statistics.median(rates['nothing']):.0f}/s"
    return [
        at_least(
            name,
            f"{statistics.median(rates[name]):.0f}/s",
            beside,
            ratio=statistics.median(ours / least for ours, least in zip(rates[name], rates["nothing"], strict=True)),
            least=LEAST_RATIO,
        )
        for name in asked
    ]


def _rate(url: str, requests: int, *, token: str = "") -> float:
    """Returns requests per second of ApacheBench, which costs less than any client in Python."""
    said = ["-H", f"Authorization: Bearer {token}"] if token else []
    command = ["ab", "-q", "-i", "-k", "-c", str(CONNECTIONS), "-n", str(requests), *said, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = _RATE.search(told)
    if rate is None or _FAILED.search(told):
        raise RuntimeError(f"ab {url}: {told}")
    return float(rate[1])


def _commit_of_small_files(http: httpx.Client, files: int) -> Row:
    created(http, "small")
    operations = [file_operation(f"files/{number}.txt", f"text number {number}\n" * 50) for number in range(files)]
    seconds = committed(http, "small", operations)
    here = f"{seconds:.2f} s"
    return at_most(f"commit of {files} small files", here, "", value=seconds, most=MOST_COMMIT_SECONDS, unit="s")


def _tree(http: httpx.Client, files: int) -> Row:
    created(http, "tree")
    for start in range(0, files, OPERATIONS):
        progress(f"requests: a tree of {files} files, {start} are there")
        names = range(start, min(start + OPERATIONS, files))
        committed(http, "tree", [file_operation(f"data/part-{number:06}.txt", "the same\n") for number in names])
    spent = []
    for _ in range(21):
        began = time.perf_counter()
        answer = http.get("/api/models/ann/tree/tree/main/data")
        spent.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    if not answer.json() or "next" not in answer.links:
        raise RuntimeError("the tree has no second page")
    median = statistics.median(spent)
    here = f"median {median:.0f} ms for {len(answer.json())} entries"
    return at_most(f"first page of a tree of {files} files", here, "", value=median, most=MOST_TREE_MS, unit="ms")


def created(http: httpx.Client, name: str) -> None:
    http.post("/api/repos/create", json={"name": name, "type": "model"}).raise_for_status()


def committed(http: httpx.Client, name: str, operations: list[str]) -> float:
    """Returns the seconds that a commit of these operations took."""
    body = "\n".join([json.dumps({"key": "header", "value": {"summary": "files"}}), *operations]).encode()
    began = time.perf_counter()
    answer = http.post(
        f"/api/models/ann/{name}/commit/main", content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    seconds = time.perf_counter() - began
    if answer.is_error:
        raise RuntimeError(f"commit: {answer.status_code} {answer.text[:500]}")
    return seconds


def file_operation(path: str, text: str) -> str:
    """A line of a commit that brings a small file."""
    content = base64.b64encode(text.encode()).decode()
    return json.dumps({"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}})
