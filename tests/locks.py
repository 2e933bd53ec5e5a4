"""Seeing that another session stands still: the moment at which two orders of locks meet."""

from django.db import connection


def waiting_for_us() -> bool:
    """By pg_locks: what pg_stat_activity says stays the same within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))")
        return cursor.fetchone()[0]
