"""Who holds the threads of this process, and whether one more may (ADR 0015).

Kept in memory alone: each process looks after its own threads, so there is nothing to lose, to leak or to ask.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from django.conf import settings

LARGE_BYTES: Final = 1024 * 1024  # fewer are here, or in the hands of the kernel, before anybody waits for them
RESERVED_SHARE: Final = 6  # a sixth of the threads is nobody's alone, and no transfer's
PATIENCE_SECONDS: Final = 0.5  # whoever is above their share waits for one of their own to end, some of them
LONG_SECONDS: Final = 1.0
RETRY_AFTER_SECONDS: Final = 5


class ActorBusyError(Exception):
    """Whoever asks has enough under way."""


class ServerBusyError(Exception):
    """Everybody together has."""


@dataclass(slots=True)
class Held:
    """One thread at work."""

    who: str
    is_transfer: bool  # many bytes in or out: it may last
    since: float = field(default_factory=time.monotonic)


class Load:
    """Threads at work in this process, by whom.

    Args:
        threads: how many there are.
        transfers_per_actor: how many of them one actor's transfers may hold.
    """

    def __init__(self, threads: int, transfers_per_actor: int) -> None:
        reserve = max(2, threads // RESERVED_SHARE)  # one that reads, one that says no
        self._threads = threads
        self._most = self._most_transfers = max(1, threads - reserve)  # of one actor; transfers of all
        self._most_transfers_of_one = min(transfers_per_actor, self._most)
        self._most_waiting = reserve // 2
        self._waiting = 0
        self._held: dict[int, Held] = {}  # by thread: what a thread did before is over when it begins anew
        self._changed = threading.Condition()

    def enter(self, who: str, *, is_transfer: bool = False) -> None:
        """Take this thread for one request. Raises `ActorBusyError`, `ServerBusyError`."""
        me = threading.get_ident()
        with self._changed:
            self._held.pop(me, None)
            self._check_server(is_transfer=is_transfer)
            if not self._has_share(who, is_transfer=is_transfer):
                self._wait_for_share(who, is_transfer=is_transfer)
            self._held[me] = Held(who, is_transfer)

    def begin_transfer(self) -> None:
        """This thread's request turns out to move many bytes. Raises as `enter`."""
        with self._changed:
            mine = self._held.get(threading.get_ident())
            if mine is None or mine.is_transfer:
                return
            self._check_server(is_transfer=True)
            if not self._has_share(mine.who, is_transfer=True):
                raise ActorBusyError
            mine.is_transfer = True

    def leave(self) -> None:
        """This thread's request is over, its answer sent."""
        with self._changed:
            self._held.pop(threading.get_ident(), None)
            if self._waiting:
                self._changed.notify_all()

    def _check_server(self, *, is_transfer: bool) -> None:
        if is_transfer and sum(held.is_transfer for held in self._held.values()) >= self._most_transfers:
            raise ServerBusyError
        if len(self._held) >= self._threads - 1:  # the last thread is kept to say so, while no other comes free
            young = time.monotonic() - LONG_SECONDS
            if all(held.since < young for held in self._held.values()):
                raise ServerBusyError

    def _has_share(self, who: str, *, is_transfer: bool) -> bool:
        own = [held.is_transfer for held in self._held.values() if held.who == who]
        if is_transfer and sum(own) >= self._most_transfers_of_one:
            return False
        return not who or len(own) < self._most

    def _wait_for_share(self, who: str, *, is_transfer: bool) -> None:
        if self._waiting >= self._most_waiting:
            raise ActorBusyError
        self._waiting += 1
        try:
            if not self._changed.wait_for(lambda: self._has_share(who, is_transfer=is_transfer), PATIENCE_SECONDS):
                raise ActorBusyError
            self._check_server(is_transfer=is_transfer)
        finally:
            self._waiting -= 1


@cache
def of_this_process() -> Load:
    return Load(settings.WEB_THREADS, settings.TRANSFERS_PER_ACTOR)
