"""Django's PostgreSQL backend, with two differences that a small request feels.

A connection is looked at before it is used again, not asked: whoever closed it has left something to read on its
socket. And a cursor of its own runs prepared statements, which PostgreSQL plans once for each connection instead of
at every call; Django's cursors write values into the text of the statement, so no two statements are the same.
"""

from __future__ import annotations

import select
from typing import Any, Final, Self

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper

# psycopg prepares what it is told to prepare, at once, and nothing by itself.
NEVER_BY_ITSELF: Final = 2**31 - 1


class PreparingCursor(psycopg.Cursor[Any]):
    """Prepares every statement it is given, once for each connection."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:  # noqa: ANN401  as psycopg's
        return super().execute(query, params, **{**options, "prepare": True})


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:  # noqa: ANN401  as Django's
        connection = super().get_new_connection(conn_params)
        connection.prepare_threshold = NEVER_BY_ITSELF
        return connection

    def is_usable(self) -> bool:
        """Whether the connection works; it is asked only when there is a reason to doubt it."""
        if self.connection is None:
            return False
        if self.errors_occurred or self.connection.closed or _is_readable(self.connection.fileno()):
            return bool(super().is_usable())
        return True

    def preparing_cursor(self) -> CursorWrapper:
        """For statements whose text is always the same; values are sent beside it."""
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: CursorWrapper = self._prepare_cursor(PreparingCursor(self.connection))  # type: ignore[attr-defined]
        return cursor


def _is_readable(descriptor: int) -> bool:
    """Whether an idle connection has something to say: that it was closed, or news of no consequence."""
    poll = select.poll()  # unlike select(), it takes descriptors above 1023
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
