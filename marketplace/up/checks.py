"""What can be wrong before anything runs; each problem is one clear line."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import IO

from marketplace.embedded import servers
from marketplace.embedded.problems import CannotStart

LEAST_FREE_BYTES = 1024**3
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
    try:
        family, _, _, _, target = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
    except OverflowError:
        raise CannotStart(f"There is no port {port}: choose one from 1 to 65535 with --port.") from None
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotStart(f"Port {port} is in use: choose another with --port (make run PORT=…).") from None
        raise CannotStart(f"Cannot listen on {address} port {port}: {problem.strerror}.") from None
