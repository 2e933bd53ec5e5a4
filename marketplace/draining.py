"""The rest of a refused body: a client that is still sending would see a broken connection instead of our answer."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest

PIECE_BYTES = 1024 * 1024
SMALL_PIECE_BYTES: Final = 64 * 1024
SHORT_SECONDS: Final = 0.5


def drain(read: Callable[[int], bytes], most_bytes: int) -> None:
    """Read until the end, within reason."""
    left = most_bytes
    try:
        while left > 0 and (piece := read(PIECE_BYTES)):
            left -= len(piece)
    except Exception:  # noqa: BLE001, S110  the connection is gone or the body was read elsewhere: nothing to answer
        pass


def dismiss(request: HttpRequest) -> None:
    """Give a sender half a second to finish, then listen no more: our answer goes out, and nobody waits for the rest.

    gunicorn would read on for five seconds in this thread and two in the one that accepts connections.
    """
    body, connection = request.META.get("wsgi.input"), request.META.get("gunicorn.socket")
    if body is None or not isinstance(connection, socket.socket) or _ends_soon(request, connection):
        return
    body.failed = True  # so gunicorn does not look for another request behind it
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)


def _ends_soon(request: HttpRequest, connection: socket.socket) -> bool:
    body, deadline = request.META["wsgi.input"], time.monotonic() + SHORT_SECONDS
    try:
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not body.read(SMALL_PIECE_BYTES):
                return True
    except Exception:  # noqa: BLE001  too slow, or gone
        return False
    finally:
        with contextlib.suppress(OSError):
            connection.settimeout(None)
    return False
