"""Requests that end at a moment, however slowly their bytes come.

A read timeout alone is no limit: a byte every half minute keeps a worker for ever.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable

import httpcore

from catalog.upstream.backends import WrappedBackend


class Clock:
    """Until when the request under way may last; one client and its connections share it, in one thread."""

    def __init__(self) -> None:
        self._ends_at: float | None = None  # time.monotonic

    def start(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def stop(self) -> None:
        self._ends_at = None

    def left(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
        """Returns how long one step may take in seconds. Raises `late` when the time is over."""
        if self._ends_at is None:
            return timeout
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise late("the time for this request is over")
        return left if timeout is None else min(left, timeout)


class EndingStream(httpcore.NetworkStream):
    """A connection whose steps wait no longer than the clock allows."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._clock.left(timeout, httpcore.ConnectTimeout)
        return EndingStream(self._stream.start_tls(ssl_context, server_hostname, left), self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class EndingBackend(WrappedBackend):
    """Another backend, with the clock in its connections."""

    def __init__(self, backend: httpcore.NetworkBackend, clock: Clock) -> None:
        super().__init__(backend)
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._clock.left(timeout, httpcore.ConnectTimeout)
        return EndingStream(self._backend.connect_tcp(host, port, left, local_address, socket_options), self._clock)
