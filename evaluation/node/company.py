"""Runs of one model that share a process: it starts once and loads once, and each run ends by itself (ADR 0026)."""

import json
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from evaluation.node.client import Order
from evaluation.node.errors import HubRefused, HubUnavailable, NodeError, RunFailed, RunStopped
from evaluation.node.lease import FETCHING, WAITING, Lease
from evaluation.node.supervision import Limits, failure_of, supervise
from evaluation.node.telling import note_log, tell
from evaluation.node.work import Place, Station, Work
from evaluation.runner import PROTOCOL

MOST_RUNS = 8
# Who has not begun by then goes back to the queue, so that other accounts wait for one run at most besides.
LONGEST_SECONDS = 300.0
BEHIND = frozenset({"measuring", "explaining"})  # the runner's last phases, once its answers are complete
PHASES = ("loading", "running", *BEHIND)
# Company cannot make these: the run has had its own time, and nobody else's model or inputs.
OWN_FAULTS = ("unsupported", "bad_output", "data_unavailable", "timeout")

logger = logging.getLogger("evaluation.node")


class TimeIsUp(NodeError):
    """The next run would begin too late."""


@dataclass(eq=False)
class Member:
    """One run of the company."""

    work: Work
    phases: set[str] = field(default_factory=set)  # that its computation went through
    log_from: int | None = None  # where its part of the process's log begins, once it has begun
    outcome: NodeError | None = None

    @property
    def run_id(self) -> int:
        return self.work.order.run_id

    @property
    def is_over(self) -> bool:
        return self.work.lease.over.is_set()


class Company:
    """A claimed run and those that share its process. For one use."""

    def __init__(self, station: Station, stop: threading.Event) -> None:
        self.station, self.stop = station, stop
        self.waiting: list[Member] = []  # the next one first
        self.current: Member | None = None
        self.begun: set[Member] = set()  # in the present process
        self.closes_at = math.inf
        self.members: list[Member] = []
        self.ends: list[Future[None]] = []
        # Results go to the hub while the next run computes.
        self.clerk = ThreadPoolExecutor(1, thread_name_prefix="hand-in")

    def work_on(self, order: Order) -> None:
        """Does this run and its companions, from the first byte fetched to the last word said to the hub."""
        first = self._member(order, FETCHING)
        self.log = first.work.place.folder / "process.log"
        try:
            if self._is_ready(first, first.work.prepare):
                self._gather(first)
                self.closes_at = time.monotonic() + LONGEST_SECONDS
                while self.waiting:
                    self._share_process(first.work.place)
        finally:
            self.clerk.shutdown()
            for member in self.members:
                member.work.lease.close()
        for end in self.ends:
            end.result()  # a fault of our own is not passed over
        self._clean(first)

    def _member(self, order: Order, phase: str) -> Member:
        place = Place(self.station.runs / str(order.run_id))
        place.folder.mkdir(exist_ok=True)
        lease = Lease(self.station.hub, order, every_seconds=self.station.heartbeat_seconds, phase=phase)
        lease.open()
        stopped: Callable[[], bool] = lambda: self.stop.is_set() or lease.over.is_set()  # noqa: E731
        member = Member(Work(self.station, order, lease, place, stopped))
        self.members.append(member)
        self.waiting.append(member)
        return member

    def _is_ready(self, member: Member, prepare: Callable[[], None]) -> bool:
        failure = self._outcome(member, prepare)
        if failure is not None and self.stop.is_set() and member is not self.members[0]:
            self._give_back(member)
        elif failure is not None:
            self._settle(member, failure)
        return failure is None

    def _gather(self, first: Member) -> None:
        """Claims companions while there are some. What goes wrong with one of them is no matter of the others."""
        while first.work.order.companions and len(self.members) < MOST_RUNS and not first.work.stopped():
            try:
                order = self.station.hub.companion(first.work.order)
            except (HubUnavailable, HubRefused) as error:
                logger.info("run %s: no companions: %s", first.run_id, error)
                return
            if order is None:
                return
            logger.info("run %s: claimed beside run %s", order.run_id, first.run_id)
            member = self._member(order, WAITING)
            self._is_ready(member, partial(member.work.prepare_beside, first.work))

    def _share_process(self, shown: Place) -> None:
        """One process for all that wait; whoever is left without an end waits for the next one."""
        if self.stop.is_set():
            self._give_back_unbegun()
            for member in list(self.waiting):  # for a second try; what it has computed is kept
                self._settle(member, RunFailed("lost", "The node was stopped."))
        for member in [member for member in self.waiting if member.is_over]:
            self._settle(member, RunStopped("The run was stopped while it waited."))
        if not self.waiting:
            return None
        self.current, self.begun = self.waiting[0], {self.waiting[0]}
        self.current.log_from = 0
        try:
            self._supervise(shown)
        except NodeError as failure:
            return self._end_process(failure)
        except OSError as error:
            logger.exception("the process of run %s could not be run", self.waiting[0].run_id)
            return self._end_process(_of_the_node(error))
        return self._end_process(None)

    def _supervise(self, shown: Place) -> None:
        work = [member.work for member in self.waiting]
        for one in work:
            one.place.output.mkdir(exist_ok=True)
        spec = {"protocol": PROTOCOL, "device": self.station.device, "runs": [one.spec(shown.model) for one in work]}
        shown.spec.write_text(json.dumps(spec), encoding="utf-8")
        file_bytes = max(one.file_bytes for one in work)
        arguments = ["--spec", str(shown.spec), "--output", str(self.station.runs)]
        visible = [shown.model, shown.spec, *(one.place.inputs for one in work)]
        self.disk_bytes = 2 * file_bytes
        supervise(
            self.station.level,
            self.station.confined(arguments, file_bytes, visible, [one.place.output for one in work]),
            limits=work[0].limits(self.disk_bytes),
            log=self.log,
            stopped=lambda: self.stop.is_set() or (self.current is not None and self.current.is_over),
            progress=self._progress,
            turn=self._turn,
        )

    def _progress(self, phase: str, done: int, total: int) -> None:
        if self.current is not None:
            self.current.phases.add(phase)
            self.current.work.lease.progress(phase if phase in PHASES else "running", done, total)

    def _turn(self, event: dict[str, Any]) -> Limits | None:
        """What the runner says of one of its runs. It is not believed that two compute at once."""
        said = event.get("event")
        named = next((member for member in self.waiting if str(member.run_id) == event.get("run_id")), None)
        if said == "began" and self.current is None and named is not None and named not in self.begun:
            return self._begin(named)
        if said == "failed" and not event.get("run_id"):  # before any of them
            raise failure_of(event)
        if named is None or named is not self.current:
            return None
        if said == "finished" and len(self.waiting) > 1:  # the last one is, once nothing of the process is left
            self.current = None
            self._settle(named, None)
        elif said == "failed":
            self.current = None
            self._fail(named, failure_of(event))
        return None

    def _begin(self, member: Member) -> Limits:
        if time.monotonic() > self.closes_at:
            raise TimeIsUp
        self.current = member
        self.begun.add(member)
        member.log_from = self.log.stat().st_size
        return member.work.limits(self.disk_bytes)

    def _end_process(self, failure: NodeError | None) -> None:
        """The process has ended; what becomes of the run that it computed, and of those behind it."""
        current, self.current = self.current, None
        if current is not None and isinstance(failure, RunFailed):
            self._fail(current, failure)
        elif current is not None and self.stop.is_set() and failure is not None:
            self._settle(current, RunFailed("lost", "The node was stopped."))
        elif current is not None:  # nobody waits for it, or the process ended without a word: its results decide
            self._settle(current, failure)
        if isinstance(failure, TimeIsUp):
            self._give_back_unbegun()

    def _give_back_unbegun(self) -> None:
        for member in [member for member in self.waiting if member.log_from is None]:
            self._give_back(member)

    def _fail(self, member: Member, failure: RunFailed) -> None:
        """A run has failed where it alone can be the cause; else it is tried again, as the first of a new process."""
        if member.phases & BEHIND and failure.reason != "sandbox_violation":
            # Answers are complete before the cost is measured or an answer explained; a failure there takes only that.
            self._settle(member, None)
        elif len(self.begun) > 1 and failure.reason not in OWN_FAULTS:
            logger.info("run %s: again by itself, after: %s", member.run_id, failure.message)
            self.waiting.remove(member)
            self.waiting.insert(0, member)
        else:
            self._settle(member, failure)

    def _give_back(self, member: Member) -> None:
        self.waiting.remove(member)
        self.ends.append(self.clerk.submit(self._hand_back, member))

    def _hand_back(self, member: Member) -> None:
        member.work.lease.close()
        try:
            self.station.hub.hand_back(member.work.order)
            logger.info("run %s: handed back", member.run_id)
        except (HubUnavailable, HubRefused) as error:
            logger.info("run %s: not handed back: %s", member.run_id, error)  # its lease ends by itself
        shutil.rmtree(member.work.place.folder, ignore_errors=True)

    def _settle(self, member: Member, failure: NodeError | None) -> None:
        """This run is over. Without a failure its results are handed in."""
        self.waiting.remove(member)
        if member.log_from is not None and self.log.exists():
            note_log(self.log, member.log_from, member.work.place.log)
        self.ends.append(self.clerk.submit(self._end, member, failure))

    def _end(self, member: Member, failure: NodeError | None) -> None:
        outcome = failure or self._outcome(member, member.work.hand_in)
        member.work.lease.close()
        tell(member.work, outcome, self.members[0].work.place)
        member.outcome = outcome
        if member is not self.members[0]:  # whose model the others compute with
            self._clean(member)

    def _clean(self, member: Member) -> None:
        """What a resumed run could use stays."""
        outcome = member.outcome
        if not isinstance(outcome, RunFailed) or outcome.reason not in ("lost", "node_error"):
            shutil.rmtree(member.work.place.folder, ignore_errors=True)

    def _outcome(self, member: Member, act: Callable[[], None]) -> NodeError | None:
        """None when it went well, else why not."""
        try:
            act()
        except RunStopped as error:
            # Stopped by our own operator, the run goes back; else nobody waits for it.
            own = self.stop.is_set() and not member.is_over
            return RunFailed("lost", "The node was stopped.") if own else error
        except RunFailed as error:
            return error
        except HubUnavailable as error:
            return RunFailed("node_error", f"The hub was away while the run was handed in: {error}")
        except OSError as error:
            logger.exception("run %s: the node failed", member.run_id)
            return _of_the_node(error)
        return None


def _of_the_node(error: OSError) -> RunFailed:
    return RunFailed("node_error", f"The node failed: {error.strerror or type(error).__name__}.")
