"""One site under `up`: started in order, watched, and stopped until nothing of it runs."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from marketplace import data_dir as places
from marketplace.embedded import children, postgres, redis_server
from marketplace.embedded.account import servers_account
from marketplace.embedded.children import Child
from marketplace.embedded.problems import CannotStart
from marketplace.up import checks, log_files, parts, static_files
from marketplace.up.parts import Part
from marketplace.up.watch import Watch

START_SECONDS = 90
STOP_SECONDS = 20  # for what speaks to people; the servers below get the rest of the promised 30


class StopRequested(BaseException):
    """SIGTERM, SIGINT or SIGHUP: raised wherever we are."""


class Site:
    def __init__(self, *, port: int, bind: str, with_demo: bool) -> None:
        self.data_dir = Path(settings.DATA_DIR)
        self.run_dir = places.run_dir(self.data_dir)
        self.bind, self.port, self.with_demo = bind, port, with_demo
        host = "127.0.0.1" if bind in {"0.0.0.0", "::", "localhost"} else bind  # noqa: S104  compared, not bound
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.watch = Watch(self._start_again)
        self.demo: Child | None = None

    def run(self) -> None:
        """Start, watch until somebody says stop, stop. Raises: CannotStart."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, _request_stop)
        try:
            self._start()
            self.watch.until_stopped(self._every_second)
        except StopRequested:
            say("stopping …")
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._stop()

    def _start(self) -> None:
        found = children.stop_leftovers(self.data_dir)
        if found:
            say(f"stopped {found} processes that an earlier, killed start had left")
        for name in parts.READY_FILES:
            (self.run_dir / name).unlink(missing_ok=True)
        with progress("database and broker"):
            self._start_servers()
        with progress("database tables"):
            call_command("migrate", verbosity=0, interactive=False)
        if static_files.are_stale():
            with progress("static files"):
                call_command("collectstatic", verbosity=0, interactive=False)
        with progress("web, workers, scheduler, evaluation node"):
            self._prepare_content()
            self._start_parts()
            self._wait_until_healthy()
        (self.run_dir / places.URL_FILE).write_text(self.url)
        say(f"ready {self.url}")
        self._greet()

    def _start_servers(self) -> None:
        account = servers_account()
        if settings.IS_EMBEDDED:
            child = postgres.start(self.data_dir, account)
            self.watch.add(child, lambda: postgres.start(self.data_dir, account))
            postgres.wait(self.data_dir, child)
        else:
            checks.database(connection.get_connection_params())
        if not os.environ.get("REDIS_URL"):
            child = redis_server.start(self.data_dir, account)
            self.watch.add(child, lambda: redis_server.start(self.data_dir, account))
            redis_server.wait(self.data_dir, child)
        else:
            checks.broker(settings.REDIS_URL)

    def _prepare_content(self) -> None:
        from evaluation.actions.benchmarks import sync_builtin, sync_library
        from evaluation.actions.nodes import ensure_embedded_node

        sync_builtin()
        sync_library()
        parts.token_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        ensure_embedded_node(parts.token_file())

    def _start_parts(self) -> None:
        wanted = [
            parts.web(bind=self.bind, port=self.port),
            parts.worker(self.run_dir),
            parts.mirrors(self.run_dir),
            parts.beat(self.run_dir),
        ]
        if parts.has_command("node"):
            wanted.append(parts.node(url=self.url, token_file=parts.token_file()))
        connections.close_all()
        for part in wanted:
            self.watch.add(self._start_part(part), partial(self._start_part, part))

    def _start_part(self, part: Part, *, on_terminal: bool = False) -> Child:
        return children.start(
            part.name,
            parts.command_line(part),
            data_dir=self.data_dir,
            environment={**os.environ, **part.environment, "PROCESS_NAME": f"marketplace {part.name}"},
            cwd=settings.BASE_DIR,
            on_terminal=on_terminal,
        )

    def _start_again(self, name: str, start: Callable[[], Child]) -> Child:
        say(f"{name} ended; starting it again (see {self.data_dir / 'logs' / name}.log)")
        return start()

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not (answers(f"{self.url}/health/ready") and self._are_workers_ready()):
            self.watch.look()
            if time.monotonic() > deadline:
                raise CannotStart(f"The site is not healthy after {START_SECONDS} s; see {self.data_dir / 'logs'}.")
            time.sleep(0.1)

    def _are_workers_ready(self) -> bool:
        return all((self.run_dir / name).exists() for name in parts.READY_FILES)

    def _greet(self) -> None:
        from catalog.actions.people.accounts import ensure_admin_link

        link = ensure_admin_link()
        connections.close_all()
        if link:
            say(f"Choose the administrator's password (link valid for a day): {settings.PUBLIC_URL or self.url}{link}")
        if self.with_demo and parts.has_command("demo") and not self._demo_mark.exists():
            say("adding the demo's teams, models and evaluations; look around meanwhile")
            self.demo = self._start_part(parts.demo(self.url), on_terminal=True)

    @property
    def _demo_mark(self) -> Path:
        return self.data_dir / "demo.seeded"

    def _every_second(self) -> None:
        log_files.limit(self.data_dir / "logs")
        if self.demo and not self.demo.is_running:
            if self.demo.process.returncode == 0:
                self._demo_mark.touch()
                say("the demo is complete")
            else:
                say("the demo stopped early; the next start goes on with it")
            self.demo.stop(timeout_seconds=1)
            self.demo = None

    def _stop(self) -> None:
        (self.run_dir / places.URL_FILE).unlink(missing_ok=True)
        below = {"postgres", "redis"}
        running = [*([self.demo] if self.demo else []), *self.watch.running()]
        stop_together([child for child in running if child.name not in below], seconds=STOP_SECONDS)
        stop_together([child for child in running if child.name in below], seconds=8)
        children.stop_leftovers(self.data_dir, timeout_seconds=1)  # what was just being started


def stop_together(stopping: list[Child], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for child in stopping:
        child.ask_to_stop()
    for child in stopping:
        child.stop(timeout_seconds=max(0.0, deadline - time.monotonic()))


def answers(url: str) -> bool:
    with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  ours
        return bool(answer.status == 200)
    return False


@contextmanager
def progress(what: str) -> Iterator[None]:
    say(f"starting: {what} …")
    before = time.monotonic()
    yield
    say(f"          {what}: {time.monotonic() - before:.1f} s")


def say(line: str) -> None:
    with suppress(OSError):  # nobody reads any more: that must not keep us from stopping
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _request_stop(number: int, frame: FrameType | None) -> None:
    raise StopRequested
