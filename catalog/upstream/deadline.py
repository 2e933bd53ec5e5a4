"""Connections that end at a moment, however slowly their bytes come.

A read timeout alone is no limit: a byte every half minute keeps a worker for ever.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable

import httpcore


class EndingStream(httpcore.NetworkStream):
    """Waits for nothing longer than what is left until `ends_at` (`time.monotonic`)."""

    def __init__(self, stream: httpcore.NetworkStream, ends_at: float) -> None:
        self._stream = stream
        self._ends_at = ends_at

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return EndingStream(self._stream.start_tls(ssl_context, server_hostname, left), self._ends_at)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    def _left(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise late("the time for this connection is over")
        return left if timeout is None else min(left, timeout)


class EndingBackend(httpcore.NetworkBackend):
    """Another backend whose connections last `most_seconds`."""

    def __init__(self, backend: httpcore.NetworkBackend, most_seconds: float) -> None:
        self._backend = backend
        self._most_seconds = most_seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        ends_at = time.monotonic() + self._most_seconds
        return EndingStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options), ends_at)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)
