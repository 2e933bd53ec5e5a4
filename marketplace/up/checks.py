"""What can be wrong before anything runs; each problem is one clear line."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import psycopg
import redis

from marketplace.embedded import servers
from marketplace.embedded.problems import CannotStart

LEAST_FREE_BYTES = 1024**3
CONNECT_SECONDS = 5
_held: list[IO[str]] = []  # the lock lives as long as this process


def writable(data_dir: Path) -> None:
    """Raises: CannotStart when the folder cannot be made or written to."""
    try:
        servers.prepare(data_dir)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
    except OSError as problem:
        raise CannotStart(f"The data directory {data_dir} cannot be written to: {problem.strerror}.") from None


def roomy(data_dir: Path) -> None:
    free = shutil.disk_usage(data_dir).free
    if free < LEAST_FREE_BYTES:
        raise CannotStart(
            f"The disk of {data_dir} is nearly full: {free // 1024**2} MB are free, "
            f"{LEAST_FREE_BYTES // 1024**2} are needed."
        )


def lock(data_dir: Path) -> None:
    """Raises: CannotStart when another `up` works on this folder."""
    file = (data_dir / "up.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise CannotStart(f"{data_dir} is in use: another `up` runs there (process {file.read().strip()}).") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held.append(file)


def free(address: str, port: int) -> None:
    if not 0 < port < 2**16:  # getaddrinfo would quietly take the rest of a division
        raise CannotStart(f"There is no port {port}: choose one from 1 to 65535 with --port.")
    try:
        family, _, _, _, target = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotStart(f"Port {port} is in use: choose another with --port (make run PORT=…).") from None
        raise CannotStart(f"Cannot listen on {address} port {port}: {problem.strerror}.") from None


def database(parameters: Mapping[str, Any]) -> None:
    """Raises: CannotStart when DATABASE_URL's server does not let us in; what it says holds no password."""
    try:
        psycopg.connect(**{**parameters, "connect_timeout": CONNECT_SECONDS}).close()
    except psycopg.Error as problem:
        reason = " ".join(str(problem).split())
        raise CannotStart(f"The database of DATABASE_URL cannot be reached: {reason}") from None


def broker(url: str) -> None:
    """Raises: CannotStart when REDIS_URL's server does not answer or refuses us."""
    try:
        with redis.Redis.from_url(
            url, socket_timeout=CONNECT_SECONDS, socket_connect_timeout=CONNECT_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as problem:
        raise CannotStart(f"The Redis of REDIS_URL cannot be reached: {problem}") from None
