"""Reading every stored byte again, slowly: damage is found before anybody asks for the bytes (security 7).

Clients of the Hub check sizes only, so damaged bytes leave the store at once and the routes answer 503
`BlobUnavailable`. They lie in the trash for a year: most of them may still be worth something.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.actions.incoming.blob_locks import lock_blobs
from catalog.actions.upkeep import repair, upkeep_leases
from catalog.errors import BlobUnavailable
from catalog.models import Blob
from catalog.queries.clock import database_now
from catalog.stores import blob_store

READ_BYTES: Final = 1024 * 1024
ROWS_AT_A_TIME: Final = 500
DAMAGED_KEPT: Final = timedelta(days=365)
MOST_DAMAGED_IN_A_ROW: Final = 20  # then it is the store that is damaged, or not mounted
logger = logging.getLogger(__name__)


@dataclass
class Scrubbed:
    checked: int = 0
    checked_bytes: int = 0
    damaged: int = 0
    repaired: int = 0


def scrub(
    *, everything: bool = False, most_seconds: float | None = None, bytes_per_second: float | None = None
) -> Scrubbed:
    """Read and hash what was not read for `SCRUB_DAYS`, and what is known to be damaged.

    Args:
        everything: also what was read lately.
        most_seconds: the next run goes on where this one stops.
        bytes_per_second: no faster; None is as fast as the store.

    Raises:
        UpkeepBusy: another scrub runs.
        BlobUnavailable: the store as a whole does not answer, or everything in it seems damaged.
    """
    done, pace, in_a_row = Scrubbed(), _Pace(bytes_per_second), 0
    ends_at = time.monotonic() + most_seconds if most_seconds is not None else None
    with upkeep_leases.held(upkeep_leases.SCRUB):
        for blob in _due(everything=everything):
            if ends_at is not None and time.monotonic() > ends_at:
                break
            is_whole = _check(blob, done, pace)
            in_a_row = 0 if is_whole else in_a_row + 1
            if in_a_row >= MOST_DAMAGED_IN_A_ROW:
                raise BlobUnavailable(_("Too many contents in a row are damaged or missing: is the store mounted?"))
    return done


def _due(*, everything: bool) -> Iterator[Blob]:
    """Longest unread first, each once."""
    began = database_now()
    before = began if everything else began - timedelta(days=settings.SCRUB_DAYS)
    read_at = Coalesce("checked_at", "created_at")  # they were hashed when they came
    waiting = Blob.objects.annotate(read_at=read_at).filter(
        Q(state=Blob.State.LIVE, read_at__lte=before) | Q(state=Blob.State.CORRUPT, read_at__lte=began)
    )
    seen = 0
    while page := list(waiting.filter(pk__gt=seen).order_by("pk")[:ROWS_AT_A_TIME]):
        yield from page
        seen = page[-1].pk


def _check(blob: Blob, done: Scrubbed, pace: _Pace) -> bool:
    done.checked += 1
    done.checked_bytes += blob.size
    if _is_whole(blob, pace) or _is_whole(blob, pace):  # twice: a misread is no damage
        Blob.objects.filter(pk=blob.pk).update(checked_at=Now())
        Blob.objects.filter(pk=blob.pk, state=Blob.State.CORRUPT).update(state=Blob.State.LIVE, state_since=None)
        return True
    if not _condemn_bytes(blob):
        return True
    done.damaged += 1
    logger.error("the stored bytes of %s are damaged or missing", blob.sha256)
    place = repair.repair(blob)
    if place:
        done.repaired += 1
        logger.error("%s was repaired from %s", blob.sha256, place)
        audit.record(None, "blob.repaired", blob.sha256, source=place)
    return bool(place)


def _is_whole(blob: Blob, pace: _Pace) -> bool:
    """Raises `BlobUnavailable` when the store does not even say whether the content is there."""
    if blob_store().size(blob.sha256) != blob.size:
        return False
    found = hashlib.sha256()
    try:
        with blob_store().open(blob.sha256) as content:
            while data := content.read(READ_BYTES):
                found.update(data)
                pace.slow_down(len(data))
    except (BlobUnavailable, OSError):
        blob_store().size(blob.sha256)
        return False
    return found.hexdigest() == blob.sha256


@transaction.atomic
def _condemn_bytes(blob: Blob) -> bool:
    """Take damaged bytes out of reach, unless they were replaced while we read; returns whether they are damaged."""
    lock_blobs([blob.sha256])
    seen = Blob.objects.filter(pk=blob.pk, state=blob.state, touched_at=blob.touched_at)
    since = F("state_since") if blob.state == Blob.State.CORRUPT else Now()
    if not seen.update(state=Blob.State.CORRUPT, state_since=since, checked_at=Now()):
        return False
    blob_store().remove(blob.sha256, at=(database_now() + DAMAGED_KEPT).timestamp())
    if blob.state != Blob.State.CORRUPT:
        audit.record(None, "blob.corrupt", blob.sha256, size=blob.size)
    return True


class _Pace:
    """Sleeps as long as the work is ahead of its pace."""

    def __init__(self, bytes_per_second: float | None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._rate, self._sleep = bytes_per_second, sleep
        self._began, self._bytes = time.monotonic(), 0

    def slow_down(self, size: int) -> None:
        if self._rate is None:
            return
        self._bytes += size
        ahead = self._bytes / self._rate - (time.monotonic() - self._began)
        if ahead > 0:
            self._sleep(ahead)
