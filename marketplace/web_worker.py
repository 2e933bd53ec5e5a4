"""gunicorn's threaded worker, deaf to newcomers once it was told to stop."""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker


class WebWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn keeps its listening socket until the last request is over: whoever connects meanwhile waits in vain."""

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001  gunicorn's signature
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()
