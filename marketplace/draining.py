"""The rest of a refused body: a client that is still sending would see a broken connection instead of our answer."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from django.http import HttpRequest

from marketplace.direct_body import direct_body

PIECE_BYTES = 1024 * 1024
SHORT_SECONDS: Final = 0.5


def drain(request: HttpRequest, read: Callable[[int], bytes], *, most_bytes: int, most_seconds: float) -> None:
    """Read until the end, within reason. Whoever has not finished then is listened to no more.

    Args:
        read: from this request's body.
    """
    if not _is_more_coming(request):
        return
    left, ends_at = most_bytes, time.monotonic() + most_seconds
    with _given_up_after(most_seconds, request):
        try:
            while left > 0 and time.monotonic() < ends_at and (piece := read(PIECE_BYTES)):
                left -= len(piece)
        except Exception:  # noqa: BLE001, S110  the connection is gone or the body was read elsewhere: nothing to answer
            pass


def dismiss(request: HttpRequest) -> None:
    """Give a sender half a second to finish, then listen no more: our answer goes out, and nobody waits for the rest.

    gunicorn would read on for five seconds in this thread and two in the one that accepts connections.
    """
    body = request.META.get("wsgi.input")
    if body is not None and isinstance(request.META.get("gunicorn.socket"), socket.socket):
        drain(request, body.read, most_bytes=sys.maxsize, most_seconds=SHORT_SECONDS)


def _is_more_coming(request: HttpRequest) -> bool:
    """Whether there may be a rest; most requests that are refused have no body."""
    if request.META.get("CONTENT_LENGTH") in (None, "", "0") and "HTTP_TRANSFER_ENCODING" not in request.META:
        return False
    direct = direct_body(request.META)
    return direct is None or direct.left > 0


@contextlib.contextmanager
def _given_up_after(seconds: float, request: HttpRequest) -> Iterator[None]:
    """From outside: each read of the server waits for all it was asked for, its timeout begins anew with each byte."""
    timer = threading.Timer(seconds, _listen_no_more, [request])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _listen_no_more(request: HttpRequest) -> None:
    body, connection = request.META.get("wsgi.input"), request.META.get("gunicorn.socket")
    if body is not None and isinstance(connection, socket.socket):
        body.failed = True  # so gunicorn does not look for another request behind it
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RD)
