"""The lease of one run: a heartbeat every 15 s, and what the hub says in return."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from evaluation.node.client import Hub, Order
from evaluation.node.errors import HubRefused, HubUnavailable

EVERY_SECONDS = 15.0
MOST_LINES = 200
FETCHING, WAITING = "fetching", "waiting"


@dataclass
class Lease:
    """Tells the hub how far the run is. `over` is set when nobody waits for the run any more."""

    hub: Hub
    order: Order
    every_seconds: float = EVERY_SECONDS
    over: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    phase: str = FETCHING
    done: int = 0
    total: int = 0
    rate: float = 0.0
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    _nudge: threading.Event = field(default_factory=threading.Event)
    _closing: bool = False
    _phase_since: float = field(default_factory=time.monotonic)
    _first_done: int = 0

    def progress(self, phase: str, done: int, total: int) -> None:
        """Notes where the run stands; a new phase is told at once."""
        if phase != self.phase:
            self.phase, self._phase_since, self._first_done = phase, time.monotonic(), done
            self._nudge.set()
        self.done, self.total = done, total
        elapsed = time.monotonic() - self._phase_since
        self.rate = (done - self._first_done) / elapsed if elapsed > 0.5 else 0.0

    def log(self, line: str) -> None:
        self._lines.append(line)

    def open(self) -> None:
        self._thread = threading.Thread(target=self._beat, name=f"lease of run {self.order.run_id}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No word about the run after this one."""
        self._closing = True
        self._nudge.set()
        self._thread.join()

    def _beat(self) -> None:
        lease_seconds = self.order.lease_seconds
        held_at = time.monotonic()
        while not self._closing and not self.over.is_set():
            try:
                answer = self.hub.heartbeat(self.order, self._report())
                held_at = time.monotonic()
                lease_seconds = float(answer.get("lease_seconds", lease_seconds))
                if answer.get("cancel"):
                    self.cancelled = True
                    self.over.set()
            except HubUnavailable:
                # The hub may be restarting; until the lease has run out the run is still ours.
                if time.monotonic() - held_at > lease_seconds:
                    self.over.set()
            except HubRefused:
                self.over.set()
            self._nudge.wait(self.every_seconds)
            self._nudge.clear()

    def _report(self) -> dict[str, object]:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        return {
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "rate": round(max(self.rate, 0), 4),
            "log": lines,
        }
