"""The long poll: a node's claim waits here for work, without queries and without holding up a shutdown."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest

from catalog.errors import Busy
from evaluation.models import Run
from evaluation.queries import queue

LONGEST_WAIT_SECONDS: Final = 20.0
LOOK_AGAIN_SECONDS: Final = 1.0  # backed-off runs become due without a notice
# Each waiting node holds a thread of the web server; more than these are sent away.
_places = threading.BoundedSemaphore(6)


def claim_within(seconds: float, claim: Callable[[], Run | None], request: HttpRequest) -> Run | None:
    """What `claim` gives, tried again whenever a run may have been queued, for at most `seconds`.

    Raises:
        Busy: there is nothing now, and no place to wait; the node comes back a little later.
    """
    run = claim()
    if run is not None or seconds <= 0:
        return run
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        until = time.monotonic() + min(seconds, LONGEST_WAIT_SECONDS)
        with queue.listening() as wait:
            while (run := claim()) is None and (left := until - time.monotonic()) > 0 and not _has_left(request):
                wait(min(left, LOOK_AGAIN_SECONDS))
    finally:
        _places.release()
    return run


def _has_left(request: HttpRequest) -> bool:
    """Whether the node closed the connection: then nobody would read the answer, nor work on the run."""
    connection = request.META.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
