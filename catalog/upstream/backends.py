"""Backends of httpcore that put something of ours before the connections of another one."""

from __future__ import annotations

import httpcore


class WrappedBackend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)
