"""How fast are the lists with 100 000 models? `python -m tests.bench.listing [models] [requests per address]`.

Fills a scratch database of its own, then asks Django's handler for first pages: the time in the server
without gunicorn and the network. Prints p50, p95, our own processor time (the rest is PostgreSQL and other
processes) and the number of queries per address. The promise, p95 <= 50 ms, is for the lists without words.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

PROMISED_MS = 50
PROMISED = ("/models", "/models?sort=updated", "/api/models", "/api/models?limit=30", "/api/v1/models")
ADDRESSES = (
    *PROMISED,
    "/models?q=bert",
    "/models?task=text-generation&library=peft",
    "/api/models?limit=100&sort=lastModified&full=true",
    "/api/models?search=llama-3.1&limit=30",
    "/api/models?search=odel&limit=30",
    "/api/models?filter=pl&filter=license:mit&limit=30",
    "/api/v1/models?sort=rating",
    "/api/v1/models?sort=size",
    "/api/v1/models?search=whisper%20sent",
    "/api/v1/models?search=training%20model",
    "/api/v1/models?search=a",
    "/api/v1/models?search=%E4%B8%AD%E6%96%87%E6%83%85%E6%84%9F",
    "/api/v1/models?search=wydzwieku",
    "/api/v1/models?search=nothing-like-this",
    "/api/v1/models?task=translation&language=pl",
    "/api/v1/models?library=sklearn&license=cc-by-nc-4.0&sort=rating",
)


def main(models: int = 100_000, requests: int = 40) -> int:
    home = Path(tempfile.mkdtemp(prefix="mm-bench-"))
    os.environ.update(MARKETPLACE_DATA_DIR=str(home), DJANGO_SETTINGS_MODULE="marketplace.settings", PLAIN_STATIC="1")
    from marketplace.embedded import servers

    servers.prepare(home)
    children = servers.start(home)
    try:
        return _measure(models, requests)
    finally:
        for child in children:
            child.stop(timeout_seconds=10)
        shutil.rmtree(home, ignore_errors=True)


def _measure(models: int, requests: int) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.bench.synthetic import fill

    call_command("migrate", verbosity=0)
    started = time.perf_counter()
    fill(models)
    print(f"{models} models in {time.perf_counter() - started:.0f} s\n")
    print(f"{'p50 ms':>7} {'p95 ms':>7} {'cpu ms':>7} {'queries':>8}  address")
    slow = [address for address in ADDRESSES if _report(address, requests) > PROMISED_MS and address in PROMISED]
    for address in slow:
        print(f"slower than {PROMISED_MS} ms: {address}")
    return 1 if slow else 0


def _report(address: str, requests: int) -> float:
    """Returns p95 in milliseconds."""
    from django.db import connection

    from tests.raw_client import RawClient

    client, queries = RawClient(), []

    def noted(execute: Callable[..., object], *statement: object) -> object:
        queries.append(statement[0])
        return execute(*statement)

    with connection.execute_wrapper(noted):
        status = client.get(address, headers={"Host": "localhost"}).status_code
    if status != 200:
        print(f"{'-':>7} {'-':>7} {'-':>7} {'-':>8}  {address}: {status}")
        return 0
    started = time.thread_time()
    times = sorted(_milliseconds(client, address) for _ in range(requests))
    cpu = (time.thread_time() - started) * 1000 / requests
    p95 = times[min(int(requests * 0.95), requests - 1)]
    print(f"{statistics.median(times):7.1f} {p95:7.1f} {cpu:7.1f} {len(queries):8d}  {address}", flush=True)
    return p95


def _milliseconds(client: Client, address: str) -> float:
    started = time.perf_counter()
    client.get(address, headers={"Host": "localhost"})
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    raise SystemExit(main(*(int(argument) for argument in sys.argv[1:])))
