"""Loaded with `-p` before anything reads settings: a data directory of this test run, and its own servers.

pytest-django loads Django's settings before any conftest.py, and xdist's workers share what the first process started.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from marketplace import data_dir as data_dir_module


def redis_url(data_dir: Path, database: int) -> str:
    """The session's Redis, in a database of the caller's choice; Celery takes the next one."""
    return data_dir_module.embedded_redis_url(data_dir).replace("?db=0", f"?db={database}")


IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not IS_WORKER:
    # Not below pytest's own folder: as root, PostgreSQL's account must be able to reach it.
    os.environ["MARKETPLACE_DATA_DIR"] = tempfile.mkdtemp(prefix="mm-test-")
    os.environ["PLAIN_STATIC"] = "1"
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "PUBLIC_URL", "ALLOWED_HOSTS", "MIRROR_ALLOWED_HOSTS"):
        os.environ.pop(name, None)
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HOME", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "1"
DATA_DIR = Path(os.environ["MARKETPLACE_DATA_DIR"])
# Redis databases of this process: its own two (cache and broker), then pairs for the sites it starts. More pairs than
# sites that one process ever starts: the worker of a site that shares its broker with another takes its tasks away.
DATABASES_OF_A_PROCESS = 64
FIRST_REDIS_DATABASE = DATABASES_OF_A_PROCESS * (
    int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1 if IS_WORKER else 0
)
os.environ["REDIS_URL"] = redis_url(DATA_DIR, FIRST_REDIS_DATABASE)


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


class Servers:
    """Starts at the first need of a session, ends with it."""

    def __init__(self) -> None:
        self.children = []

    def start(self) -> None:
        from marketplace.embedded import servers
        from marketplace.embedded.postgres import UNSAFE_BUT_FAST

        servers.prepare(DATA_DIR)
        self.children = servers.start(DATA_DIR, postgres_extra=UNSAFE_BUT_FAST)

    def stop(self) -> None:
        for child in self.children:
            child.stop(timeout_seconds=10)
        shutil.rmtree(DATA_DIR, ignore_errors=True)


_servers = Servers()


def pytest_configure(config: pytest.Config) -> None:
    _block_network()
    from django.conf import settings

    # Each test client starts the middleware anew, and each start would look through all static files.
    settings.WHITENOISE_AUTOREFRESH = True
    if IS_WORKER:
        # Files of another worker's test must not come and go in ours; not by environment, which sites would inherit.
        settings.STORAGE_URL = f"file://{DATA_DIR}/blobs-{os.environ['PYTEST_XDIST_WORKER']}"
    if not IS_WORKER and not config.option.collectonly and not config.option.help:
        _servers.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not IS_WORKER:
        _servers.stop()


def _block_network() -> None:
    """Only unix sockets and loopback remain; a name lookup of anything else fails, too."""
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(family: int, address: object) -> None:
        if family in {socket.AF_INET, socket.AF_INET6} and not _is_local(address[0]):
            raise NetworkBlocked(f"tests may not connect to {address[0]}")

    def checked_connect(self: socket.socket, address: object) -> None:
        check(self.family, address)
        return connect(self, address)

    def checked_connect_ex(self: socket.socket, address: object) -> int:
        check(self.family, address)
        return connect_ex(self, address)

    def checked_lookup(host: object, *rest: object, **options: object) -> object:
        if host is not None and not _is_local(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests may not look up {host}")
        return lookup(host, *rest, **options)

    socket.socket.connect, socket.socket.connect_ex = checked_connect, checked_connect_ex
    socket.getaddrinfo = checked_lookup


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    return name in {"", "localhost", "::1", "0.0.0.0", "::"} or name.startswith("127.")
