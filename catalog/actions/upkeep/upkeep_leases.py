"""Who does upkeep work right now, and the pause of deletions while a backup copies (security 6 and 7)."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models.functions import Now

from catalog.errors import LeaseLost, UpkeepBusy
from catalog.models import UpkeepLease

BACKUP, COLLECTION, SCRUB = "backup", "collection", "scrub"
LIFETIME: Final = timedelta(minutes=5)
RENEWED_EVERY_SECONDS: Final = 30.0
_LOCK: Final = 0x6D61726B65740002  # taken alone by whoever takes a lease, shared by whoever deletes


@contextmanager
def held(name: str) -> Iterator[uuid.UUID]:
    """Work as the only one under this name; a thread keeps the lease while the block runs.

    Raises:
        UpkeepBusy: somebody else does; the fact `holder` says who.
        LeaseLost: at the end, when the lease ran out meanwhile: what was done alone may not have been alone.
    """
    token = _take(name)
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(name, token, done), name=f"lease-{name}", daemon=True)
    keeper.start()
    try:
        yield token
    except BaseException:
        _end(keeper, done)
        _release(name, token)
        raise
    _end(keeper, done)
    if not _release(name, token):
        raise LeaseLost


def refuse_during_backup() -> None:
    """Called first in a transaction that deletes: none starts while a backup copies, none is under way when it begins.

    Raises:
        UpkeepBusy
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])
    copying = UpkeepLease.objects.filter(name=BACKUP, until__gt=Now()).first()
    if copying is not None:
        raise UpkeepBusy(holder=copying.holder)


@transaction.atomic
def _take(name: str) -> uuid.UUID:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    other = UpkeepLease.objects.filter(name=name, until__gt=Now()).first()
    if other is not None:
        raise UpkeepBusy(holder=other.holder)
    token, holder = uuid.uuid4(), f"{socket.gethostname()}, process {os.getpid()}"
    UpkeepLease.objects.filter(name=name).delete()
    UpkeepLease.objects.create(name=name, holder=holder, token=token, until=Now() + LIFETIME)
    return token


def _keep(name: str, token: uuid.UUID, done: threading.Event) -> None:
    try:
        while not done.wait(RENEWED_EVERY_SECONDS):
            mine = UpkeepLease.objects.filter(name=name, token=token, until__gt=Now())
            if not mine.update(until=Now() + LIFETIME):
                return
    finally:
        connection.close()  # this thread's own


def _end(keeper: threading.Thread, done: threading.Event) -> None:
    done.set()
    keeper.join()


def _release(name: str, token: uuid.UUID) -> bool:
    """Returns whether the lease was still ours."""
    return UpkeepLease.objects.filter(name=name, token=token, until__gt=Now()).delete()[0] > 0
