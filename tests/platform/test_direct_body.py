"""Bodies read straight from the socket: the same bytes, and the next request begins where it should."""

from __future__ import annotations

import io
import os
import socket
import threading

import pytest
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import IterUnreader, SocketUnreader

from marketplace.direct_body import direct_body

CONTENT = os.urandom(3_000_000)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def body_over(connection: socket.socket, length: int) -> Body:
    return Body(LengthReader(SocketUnreader(connection), length))


def send(connection: socket.socket, data: bytes, *, close: bool = False) -> threading.Thread:
    def work() -> None:
        connection.sendall(data)
        if close:
            connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("read_before", [0, 1, 5000])
@pytest.mark.parametrize("with_headers", [0, 100])
def test_what_gunicorn_read_ahead_comes_first_and_the_next_request_stays(pair, read_before, with_headers):
    ours, theirs = pair
    body = body_over(ours, len(CONTENT))
    body.reader.unreader.unread(CONTENT[:with_headers])
    sending = send(theirs, CONTENT[with_headers:] + b"GET /next")
    received = bytearray(body.read(read_before))
    direct, buffer = direct_body({"wsgi.input": body}), memoryview(bytearray(70_000))

    assert direct.left == len(CONTENT) - read_before
    while size := direct.readinto(buffer):
        received += buffer[:size]
    sending.join()

    assert received == CONTENT
    assert (direct.left, body.read()) == (0, b"")
    assert body.reader.unreader.read(9) == b"GET /next"


def test_a_body_that_breaks_off_is_seen(pair):
    ours, theirs = pair
    body = body_over(ours, 1000)
    send(theirs, b"x" * 10, close=True).join()
    direct, buffer = direct_body({"wsgi.input": body}), memoryview(bytearray(100))

    assert [direct.readinto(buffer), direct.readinto(buffer)] == [10, 0]
    assert direct.left == 990


def test_bodies_of_another_kind_are_read_the_usual_way(pair):
    elsewhere = Body(LengthReader(IterUnreader([b"abc"]), 3))
    chunked = Body.__new__(Body)
    chunked.reader = ChunkedReader.__new__(ChunkedReader)

    for source in (elsewhere, chunked, io.BytesIO(b"abc"), None):
        assert direct_body({"wsgi.input": source}) is None
