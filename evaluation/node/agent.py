"""Claims runs one after the other and does them; survives a hub that is away."""

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
from evaluation.node.errors import HubRefused, HubUnavailable, NodeError, RunFailed, RunStopped
from evaluation.node.lease import EVERY_SECONDS, Lease
from evaluation.node.quotas import Holder, holder_of_tasks
from evaluation.node.sandbox import LEVELS, Level, strongest_level
from evaluation.node.work import Place, Work, converted_weights, log_tail

WAIT_SECONDS = 20.0  # how long the hub keeps a claim open
LONGEST_PAUSE = 30.0
FORGET_AFTER = 24 * 3600  # seconds; leftovers of runs that never came back
HAND_IN_ATTEMPTS = 5

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
        place = Place(self.runs / str(order.run_id))
        place.folder.mkdir(exist_ok=True)
        with Lease(self.hub, order, every_seconds=self.heartbeat_seconds) as lease:
            outcome = self._outcome(order, lease, place, stop)
        self._tell(order, outcome, place)
        if not isinstance(outcome, RunFailed) or outcome.reason not in ("lost", "node_error"):
            shutil.rmtree(place.folder, ignore_errors=True)
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
        while not answer.done():
            if stop.wait(0.1):
                return None
        return answer.result()

    def _outcome(self, order: Order, lease: Lease, place: Place, stop: threading.Event) -> NodeError | None:
        """None when the results are handed in, else why not."""
        work = Work(
            hub=self.hub,
            order=order,
            lease=lease,
            cache=self.cache,
            place=place,
            level=self.level,
            device=self.device,
            tasks_by_rlimit=self.tasks_held_by == "rlimit" and self.level != "none",
            stopped=lambda: stop.is_set() or lease.over.is_set(),
        )
        try:
            self._check_walls()
            work.do()
        except RunStopped as error:
            # Stopped by our own operator, the run goes back; else nobody waits for it.
            own = stop.is_set() and not lease.over.is_set()
            return RunFailed("lost", "The node was stopped.") if own else error
        except RunFailed as error:
            return error
        except HubUnavailable as error:
            return RunFailed("node_error", f"The hub was away while the run was handed in: {error}")
        except OSError as error:
            logger.exception("run %s: the node failed", order.run_id)
            return RunFailed("node_error", f"The node failed: {error.strerror or type(error).__name__}.")
        return None

    def _check_walls(self) -> None:
        if LEVELS.index(self.level) > LEVELS.index(self.sandbox_min):
            raise RunFailed(
                "node_error",
                f"This node cannot isolate models as its operator requires: {self.sandbox_min} is the minimum, "
                f"{self.level} is what works here.",
            )

    def _tell(self, order: Order, outcome: NodeError | None, place: Place) -> None:
        """The last word on a run, said until it is heard or no longer wanted."""
        for attempt in range(HAND_IN_ATTEMPTS):
            try:
                if outcome is None:
                    self.hub.complete(order, converted=converted_weights(place))
                    logger.info("run %s: handed in", order.run_id)
                elif isinstance(outcome, RunFailed):
                    tail = log_tail(place)
                    self.hub.fail(order, reason=outcome.reason, message=outcome.message, log_tail=tail)
                    logger.info("run %s: %s: %s", order.run_id, outcome.reason, outcome.message)
                else:
                    logger.info("run %s: %s", order.run_id, outcome)
                return
            except HubRefused as error:
                logger.info("run %s: %s", order.run_id, error)
                return
            except HubUnavailable as error:
                logger.warning("run %s: the hub is away (%s)", order.run_id, error)
                time.sleep(min(2**attempt, 5))

    def _sweep(self) -> None:
        for folder in self.runs.iterdir():
            if time.time() - folder.stat().st_mtime > FORGET_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
