"""JSON lines on standard output, read by the node's agent."""

import json
import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

PROGRESS_EVERY_SECONDS = 0.5


@dataclass
class Events:
    """Says what happens in one run. Standard output carries nothing else."""

    run_id: str
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    _said_at: float = 0.0

    def began(self) -> None:
        self._say("began")

    def progress(self, phase: str, done: int, total: int) -> None:
        """At most two lines a second, but always the first and the last of a phase."""
        now = time.monotonic()
        if 0 < done < total and now - self._said_at < PROGRESS_EVERY_SECONDS:
            return
        self._said_at = now
        self._say("progress", phase=phase, done=done, total=total)

    def failed(self, reason: str, message: str) -> None:
        self._say("failed", reason=reason, message=message)

    def finished(self) -> None:
        self._say("finished")

    def _say(self, event: str, **facts: object) -> None:
        self.stream.write(json.dumps({"event": event, "run_id": self.run_id} | facts, ensure_ascii=False) + "\n")
        self.stream.flush()
