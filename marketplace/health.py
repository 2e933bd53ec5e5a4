"""`/health/live`: this process answers. `/health/ready`: everything it needs answers, too."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.stores import blob_store

SECONDS_PER_CHECK = 1.0
LEAST_FREE_BYTES = 512 * 1024 * 1024
_migrated = threading.Event()  # migrations are never taken back while the process lives


def is_stopping() -> bool:
    """Whether this process takes no more work: the web server puts its own answer here."""
    return False


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when all is well, 503 naming what is not; details stay in the logs."""
    if is_stopping():
        return JsonResponse({"status": "stopping", "checks": {}}, status=503)
    with_results = {name: _outcome(future) for name, future in _started_checks().items()}
    is_ready = all(outcome == "ok" for outcome in with_results.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "unavailable", "checks": with_results}, status=200 if is_ready else 503
    )


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_migrations() -> None:
    if _migrated.is_set():
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("migrations are missing")
    _migrated.set()


def check_redis() -> None:
    with redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=SECONDS_PER_CHECK, socket_connect_timeout=SECONDS_PER_CHECK
    ) as client:
        client.ping()


def check_storage() -> None:
    """Writes, reads and removes a few bytes where the blobs are, on a disk or in a bucket."""
    blob_store().probe()


def check_headroom() -> None:
    folder = local_storage_folder() or settings.DATA_DIR
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise RuntimeError("the disk is nearly full")


def local_storage_folder() -> Path | None:
    parts = urlsplit(settings.STORAGE_URL)
    return Path(parts.path) if parts.scheme == "file" else None


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "redis": check_redis,
    "storage": check_storage,
    "migrations": check_migrations,
    "headroom": check_headroom,
}
_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="health")


def _started_checks() -> dict[str, Future[None]]:
    return {name: _pool.submit(_run, check) for name, check in CHECKS.items()}


def _run(check: Callable[[], None]) -> None:
    try:
        check()
    finally:
        connections.close_all()  # the pool's threads outlive the request


def _outcome(future: Future[None]) -> str:
    try:
        future.result(timeout=SECONDS_PER_CHECK)
    except TimeoutError:
        return "timeout"
    except Exception as problem:  # noqa: BLE001  whatever it is, the answer is "not ready"
        return type(problem).__name__
    return "ok"
