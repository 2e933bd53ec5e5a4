"""Both embedded servers of a data directory: as `up` runs them, and the tests."""

from __future__ import annotations

from pathlib import Path

from marketplace import data_dir as places
from marketplace.embedded import postgres, redis_server
from marketplace.embedded.account import servers_account
from marketplace.embedded.children import Child


def prepare(data_dir: Path) -> None:
    """Make the folders; raises OSError where that is not possible."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (places.run_dir(data_dir), data_dir / "logs"):
        folder.mkdir(mode=0o700, exist_ok=True)


def start(
    data_dir: Path, *, with_postgres: bool = True, with_redis: bool = True, postgres_extra: dict[str, str] | None = None
) -> list[Child]:
    """Start the servers and return when both answer."""
    account = servers_account()
    started = []
    if with_postgres:
        started.append(postgres.start(data_dir, account, extra=postgres_extra))
    if with_redis:
        started.append(redis_server.start(data_dir, account))
    for child in started:
        {"postgres": postgres.wait, "redis": redis_server.wait}[child.name](data_dir, child)
    return started
