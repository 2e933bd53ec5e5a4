"""What is left of a refused body is read for a while: neither slow senders nor endless ones hold a thread for long."""

from __future__ import annotations

import socket
import threading

import pytest
from django.test import RequestFactory
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import SocketUnreader

from marketplace import draining

CONTENT = b"x" * 100_000


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def request_over(connection: socket.socket, *, length: int | None):
    """A request with a body, announced or in chunks, as gunicorn hands it over."""
    reader = ChunkedReader(None, SocketUnreader(connection)) if length is None else None
    body = Body(reader or LengthReader(SocketUnreader(connection), length))
    request = RequestFactory().post("/")
    announced = {"HTTP_TRANSFER_ENCODING": "chunked"} if length is None else {}
    request.META |= {
        "wsgi.input": body,
        "gunicorn.socket": connection,
        "CONTENT_LENGTH": str(length or ""),
        **announced,
    }
    return request, body


def drain(request, body, *, most_bytes=10**9, most_seconds=60.0):
    draining.drain(request, body.read, most_bytes=most_bytes, most_seconds=most_seconds)


def answered(ours, theirs) -> bool:
    ours.sendall(b"413")
    return theirs.recv(3) == b"413"


@pytest.mark.parametrize("length", [1_000_000, None], ids=["announced", "in chunks"])
def test_a_sender_that_stalls_is_given_up_and_still_gets_the_answer(pair, length):
    ours, theirs = pair
    theirs.sendall(b"x" * 10 if length else b"a\r\nxxxxx")
    request, body = request_over(ours, length=length)

    drain(request, body, most_seconds=0.05)  # would wait for ever

    assert body.failed  # gunicorn reads no other request behind it
    assert answered(ours, theirs)


def test_a_refusal_under_load_gives_up_as_well(pair):
    ours, theirs = pair
    theirs.sendall(b"x" * 10)
    request, body = request_over(ours, length=1_000_000)

    draining.dismiss(request)

    assert body.failed
    assert answered(ours, theirs)


def test_a_sender_that_never_ends_is_left_when_the_time_is_over(pair):
    pieces = iter(lambda: b"x", b"")
    request, _body = request_over(pair[0], length=10**12)

    draining.drain(request, lambda _size: next(pieces), most_bytes=10**15, most_seconds=0.05)  # would read for ever

    assert next(pieces) == b"x"


def test_a_body_that_ends_leaves_the_connection_for_the_next_request(pair):
    ours, theirs = pair
    sending = threading.Thread(target=theirs.sendall, args=[CONTENT + b"GET /next"])
    sending.start()
    request, body = request_over(ours, length=len(CONTENT))

    drain(request, body)

    sending.join()
    assert not body.failed
    assert body.reader.unreader.read(9) == b"GET /next"


def test_no_more_is_read_than_was_said(pair):
    ours, theirs = pair
    sending = threading.Thread(target=theirs.sendall, args=[CONTENT])
    sending.start()
    request, body = request_over(ours, length=len(CONTENT))

    draining.drain(request, lambda size: body.read(min(size, 1000)), most_bytes=5000, most_seconds=60.0)

    assert len(body.read()) == len(CONTENT) - 5000
    sending.join()


def test_nothing_is_awaited_where_no_body_is_left(pair):
    request, body = request_over(pair[0], length=0)
    done = threading.active_count()

    drain(request, body)

    assert threading.active_count() == done
    assert not body.failed
