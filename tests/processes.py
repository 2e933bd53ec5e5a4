"""Real processes for tests that must not share a process or a transaction with the server."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import redis
from psycopg import sql

from marketplace import data_dir as places
from marketplace.embedded import children
from tests import template
from tests.session import DATA_DIR, DATABASES_OF_A_PROCESS, FIRST_REDIS_DATABASE, redis_url

ROOT = Path(__file__).resolve().parent.parent
_redis_databases = itertools.cycle(range(FIRST_REDIS_DATABASE + 2, FIRST_REDIS_DATABASE + DATABASES_OF_A_PROCESS, 2))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, *, timeout_seconds: float = 30) -> None:
    """Return when `url` answers 200."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} did not answer 200 within {timeout_seconds} s")
        time.sleep(0.1)


@dataclass
class Hub:
    """A site of its own: database, data directory and secrets beside the session's; its servers are the session's.

    `command("create_user", "ann")` runs a manage command there; `environment` serves any other process.
    """

    home: Path
    database: str
    port: int = field(default_factory=free_port)
    redis_database: int = field(default_factory=lambda: next(_redis_databases))
    extra: dict[str, str] = field(default_factory=dict)
    running: list[children.Child] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.endswith("_TIMEOUT_MS")},
            "MARKETPLACE_DATA_DIR": str(self.home),
            "DATABASE_URL": template.url(self.database),
            "REDIS_URL": redis_url(DATA_DIR, self.redis_database),
            "SECRET_KEY": "a secret key of forty characters for tests",
            "TOKEN_PEPPER": "a token pepper of forty characters for tests",
            "SIGNING_KEY": places.kept_secret(self.home, "signing_key", places.new_signing_key),
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "ADMIN_SECOND_FACTOR": "optional",  # DATABASE_URL makes this a site in earnest
            "MIRROR_ALLOWED_HOSTS": "127.0.0.1:*,127.0.0.1",
            "PLAIN_STATIC": "1",
            "PYTHONWARNINGS": "default",
            **self.extra,
        }

    def command(self, *arguments: str) -> str:
        """Run a manage command; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def commands(self, *commands: tuple[str, ...]) -> list[str]:
        """Run several manage commands in one process, which is what costs; returns what each printed."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.commands"],
            input=json.dumps(commands),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}: {done.stdout}\n{done.stderr}"
        return [printed.strip() for printed in json.loads(done.stdout)]

    def people(self, *names: str) -> dict[str, str]:
        """New people by name, each with a token that writes."""
        made = [("create_user", name, "--full-name", name.title()) for name in names]
        tokens = [("create_token", name, "--role", "write") for name in names]
        return dict(zip(names, self.commands(*made, *tokens)[len(names) :], strict=True))

    def start(self, name: str, *command: str, **environment: str) -> children.Child:
        child = children.start(
            f"{name}-{self.port}",
            [sys.executable, *command],
            data_dir=self.home,
            environment={**self.environment, **environment},
            cwd=ROOT,
        )
        self.running.append(child)
        return child

    def start_web(self) -> None:
        application = "tests.matrix.coverage.recorded_wsgi" if "ROUTES_SEEN" in os.environ else "marketplace.wsgi"
        self.start(
            "web",
            *("-m", "gunicorn", "-c", "python:marketplace.web_server", application),
            BIND=f"127.0.0.1:{self.port}",
            DRAIN_SECONDS="2",
        )
        try:
            wait_for(f"{self.url}/health/ready")
        except TimeoutError:
            raise TimeoutError(self.logs()) from None

    def start_worker(self) -> None:
        """One Celery worker with Beat inside, unless it runs already."""
        if not any(child.name.startswith("worker-") for child in self.running):
            schedule = str(self.home / "run" / "beat")
            worker = ("worker", "-B", "-s", schedule, "--concurrency", "1", "--without-gossip", "--without-mingle")
            self.start(
                "worker", "-m", "celery", "-A", "marketplace", *worker, "-Q", "default,mirrors", "--loglevel", "INFO"
            )

    def stop(self) -> None:
        for child in reversed(self.running):
            child.stop(timeout_seconds=10)
        self.running.clear()

    def logs(self) -> str:
        return "\n".join(f"== {file.name}\n{file.read_text()[-4000:]}" for file in self.home.glob("logs/*.log"))

    @classmethod
    @contextlib.contextmanager
    def started(cls, name: str = "hub", **extra: str) -> Iterator[Hub]:
        """Given migrations, a site with its web server running; `extra` is added to its environment."""
        home = Path(tempfile.mkdtemp(prefix=f"mm-{name}-"))
        (home / "run").mkdir()
        database = f"site_{os.getpid()}_{home.name[-8:].lower()}"
        with _own_database(database):
            hub = cls(home=home, database=database, extra=extra)
            for database_number in (hub.redis_database, hub.redis_database + 1):
                with redis.Redis.from_url(redis_url(DATA_DIR, database_number)) as client:
                    client.flushdb()  # of a site that ended before
            try:
                hub.start_web()
                yield hub
            finally:
                hub.stop()
                shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _own_database(name: str) -> Iterator[None]:
    copied_from = template.migrated()
    with template.login() as connection:
        template.create(connection, name, template=copied_from)
    try:
        yield
    finally:
        with template.login() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
