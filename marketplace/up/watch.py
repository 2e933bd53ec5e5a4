"""Watching children: what ends by itself is started again a few times, then the site gives up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from marketplace.embedded.children import Child
from marketplace.embedded.problems import CannotStart

PAUSES_SECONDS = (0, 1, 2, 4, 8)  # before each new start
FORGIVEN_AFTER_SECONDS = 600

Start = Callable[[], Child]


@dataclass
class Watched:
    child: Child
    start: Start
    ends: list[float] = field(default_factory=list)


class Watch:
    def __init__(self, start_again: Callable[[str, Start], Child]) -> None:
        self._start_again = start_again
        self._watched: list[Watched] = []

    def add(self, child: Child, start: Start) -> None:
        self._watched.append(Watched(child, start))

    def running(self) -> list[Child]:
        return [watched.child for watched in self._watched]

    def until_stopped(self, every_second: Callable[[], None]) -> None:
        """Raises: CannotStart when a part cannot be kept alive; whatever a signal handler raises."""
        while True:
            self.look()
            every_second()
            time.sleep(1)

    def look(self) -> None:
        for watched in self._watched:
            if not watched.child.is_running:
                self._replace(watched)

    def _replace(self, watched: Watched) -> None:
        now = time.monotonic()
        watched.ends = [end for end in watched.ends if now - end < FORGIVEN_AFTER_SECONDS] + [now]
        name = watched.child.name
        if len(watched.ends) > len(PAUSES_SECONDS):
            raise CannotStart(f"{name} ended {len(watched.ends)} times within ten minutes; see logs/{name}.log.")
        watched.child.stop(timeout_seconds=0)  # what is left of its group
        time.sleep(PAUSES_SECONDS[len(watched.ends) - 1])
        watched.child = self._start_again(name, watched.start)
