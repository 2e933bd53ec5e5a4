"""Claims runs one after the other and does them; survives a hub that is away."""

import contextlib
import logging
import shutil
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.node import hardware
from evaluation.node.cache import Cache
from evaluation.node.client import Hub, Order
from evaluation.node.company import Company
from evaluation.node.errors import HubUnavailable, NodeError
from evaluation.node.lease import EVERY_SECONDS
from evaluation.node.quotas import Holder, holder_of_tasks
from evaluation.node.sandbox import Level, strongest_level
from evaluation.node.work import Station

WAIT_SECONDS = 20.0  # how long the hub keeps a claim open
LONGEST_PAUSE = 30.0
FORGET_AFTER = 24 * 3600  # seconds; leftovers of runs that never came back

logger = logging.getLogger("evaluation.node")


@dataclass
class Agent:
    """One node: its hub, its disk, its walls. `run_forever` from one thread."""

    hub_url: str
    token: str
    data_dir: Path
    sandbox_min: Level = "namespaces"
    name: str = "node"
    device: str = "auto"
    cache_bytes: int = 20 * 10**9
    wait_seconds: float = WAIT_SECONDS
    heartbeat_seconds: float = EVERY_SECONDS
    level: Level = field(init=False)
    tasks_held_by: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.resolve()
        self.runs = self.data_dir / "runs"
        self.runs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.cache = Cache(self.data_dir / "cache", limit_bytes=self.cache_bytes)
        self.hub = Hub(self.hub_url, self.token)
        self.level = strongest_level(self.data_dir)
        self.tasks_held_by = holder_of_tasks(self.level, self.data_dir)

    def run_forever(self, stop: threading.Event) -> None:
        """Works until `stop` is set. A run in progress then goes back to the queue.

        Raises:
            HubRefused: the hub does not know this node (any more).
        """
        self._sweep()
        pause = 1.0
        registered = False
        while not stop.is_set():
            try:
                if not registered:
                    self._register()
                    registered = True
                self.work_once(stop)
                pause = 1.0
            except HubUnavailable as error:
                # It may have restarted with another idea of us, so introduce ourselves again.
                registered = False
                logger.warning("the hub is away (%s); trying again in %.0f s", error, pause)
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def work_once(self, stop: threading.Event, run_id: int | None = None) -> bool:
        """Waits for one run and does it; False when there was none.

        Raises:
            HubUnavailable, HubRefused
        """
        order = self._claim(stop, run_id)
        if order is None:
            return False
        logger.info("run %s: claimed", order.run_id)
        Company(self._station(), stop).work_on(order)
        return True

    def close(self) -> None:
        self.hub.close()

    def _register(self) -> None:
        self.hub.register(
            name=self.name,
            hardware=hardware.describe(self.device) | {"processes_held_by": self.tasks_held_by},
            sandbox=self.level,
            versions=hardware.versions(),
        )
        logger.info("registered at %s; sandbox: %s", self.hub_url, self.level)

    def _claim(self, stop: threading.Event, run_id: int | None) -> Order | None:
        """Asks on a thread of its own, so that `stop` need not wait for the hub's answer."""
        answer: Future[Order | None] = Future()

        def ask() -> None:
            try:
                answer.set_result(self.hub.claim(wait_seconds=self.wait_seconds, run_id=run_id))
            except (NodeError, RuntimeError) as error:  # RuntimeError: the client was closed meanwhile
                answer.set_exception(error)

        threading.Thread(target=ask, name="claim", daemon=True).start()
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                return answer.result(timeout=0.1)
        return None

    def _station(self) -> Station:
        return Station(
            hub=self.hub,
            cache=self.cache,
            runs=self.runs,
            level=self.level,
            sandbox_min=self.sandbox_min,
            device=self.device,
            tasks_by_rlimit=self.tasks_held_by == "rlimit" and self.level != "none",
            heartbeat_seconds=self.heartbeat_seconds,
        )

    def _sweep(self) -> None:
        for folder in self.runs.iterdir():
            if time.time() - folder.stat().st_mtime > FORGET_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
