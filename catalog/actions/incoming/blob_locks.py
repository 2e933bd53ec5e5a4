"""The lock that publishing and collecting the same bytes share (security 3 and 6)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection


def lock_blobs(sha256s: Iterable[str]) -> None:
    """Hold the locks of these names until the transaction ends.

    They are taken in one order, so that two requests with the same files wait for each other and no more.
    """
    keys = sorted(int.from_bytes(bytes.fromhex(sha256[:16]), "big", signed=True) for sha256 in sha256s)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])
