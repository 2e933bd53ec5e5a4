"""Collecting bytes that nobody needs: condemned → deleting → trash → gone (security 6).

A publish of the same bytes takes the same lock, makes sure that the file is there and sets `live`, whatever the
state was. So the collector looks again under the lock before each step, and what it started and did not finish
is a `deleting` row that the next run finishes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog.actions.incoming.blob_locks import lock_blobs
from catalog.actions.upkeep import upkeep_leases
from catalog.errors import CollectionRefused
from catalog.models import Blob
from catalog.queries.clock import database_now
from catalog.queries.integrity import stored_sha256
from catalog.queries.referrers import unneeded
from catalog.stores import blob_store

ROWS_PER_BATCH: Final = 1000
LARGEST_SHARE: Final = 0.10  # of all blobs or bytes that one run deletes without being told to
_State = Blob.State


@dataclass(frozen=True)
class Graces:
    """How long each step waits, by the database's clock."""

    untouched: timedelta
    condemned: timedelta
    trashed: timedelta

    @classmethod
    def configured(cls) -> Graces:
        return cls(
            untouched=timedelta(seconds=settings.GC_GRACE_SECONDS),
            condemned=timedelta(seconds=settings.GC_CONDEMNED_SECONDS),
            trashed=timedelta(seconds=settings.GC_TRASH_SECONDS),
        )


@dataclass
class Collected:
    """What a run did, or would do."""

    condemned: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    spared: int = 0  # condemned or being deleted, and needed again
    orphans: int = 0  # files without a row
    emptied: int = 0  # files that left the trash for good


def forecast(graces: Graces) -> Collected:
    """What `collect` would do now; nothing is changed."""
    due = _due(graces)
    return Collected(
        condemned=_to_condemn(graces).count(),
        deleted=due.count(),
        deleted_bytes=_bytes_of(due),
        orphans=sum(1 for _sha256 in _orphans(graces)),
    )


def collect(
    graces: Graces, *, force: bool = False, with_orphans: bool = True, most_seconds: float | None = None
) -> Collected:
    """Take one step with everything that is due.

    Args:
        force: delete even more than a tenth of all bytes or blobs.
        with_orphans: also look through the whole store for files without a row.
        most_seconds: stop deleting after so long; the next run goes on.

    Raises:
        UpkeepBusy: another collection runs, or a backup.
        CollectionRefused: more than a tenth would go, and `force` was not given.
    """
    ends_at = time.monotonic() + most_seconds if most_seconds is not None else None
    with upkeep_leases.held(upkeep_leases.COLLECTION):
        done = Collected(condemned=_condemn(graces))
        if not force:
            _refuse_too_much(_due(graces))
        for sha256 in list(_due(graces).values_list("sha256", flat=True)):
            if ends_at is not None and time.monotonic() > ends_at:
                return done
            _delete(sha256, graces, done)
        if with_orphans:
            _collect_orphans(graces, done, force=force)
        done.emptied = blob_store().empty_trash(before=(database_now() - graces.trashed).timestamp())
    return done


def _to_condemn(graces: Graces) -> QuerySet[Blob]:
    return unneeded(graces.untouched).filter(state=_State.LIVE)


def _due(graces: Graces) -> QuerySet[Blob]:
    """What may be deleted now: condemned long enough, left by a killed run, or damaged and needed by nobody."""
    waited = Q(state_since__lte=Now() - graces.condemned)
    started = Blob.objects.filter(Q(state=_State.DELETING) | (Q(state=_State.CONDEMNED) & waited))
    damaged = unneeded(graces.untouched).filter(waited, state=_State.CORRUPT)
    return Blob.objects.filter(Q(pk__in=started.values("pk")) | Q(pk__in=damaged.values("pk")))


def _condemn(graces: Graces) -> int:
    condemned = 0
    while True:
        with transaction.atomic():
            # What a publish or a copy holds is passed by: waiting in another order than theirs could be a ring.
            found = _to_condemn(graces).select_for_update(skip_locked=True, of=("self",)).order_by("pk")
            keys = list(found.values_list("pk", flat=True)[:ROWS_PER_BATCH])
            marked = _to_condemn(graces).filter(pk__in=keys).update(state=_State.CONDEMNED, state_since=Now())
        condemned += marked
        if not marked:
            return condemned


def _refuse_too_much(due: QuerySet[Blob]) -> None:
    blobs, size = due.count(), _bytes_of(due)
    all_blobs, all_bytes = Blob.objects.count(), _bytes_of(Blob.objects.all())
    if blobs > LARGEST_SHARE * all_blobs or size > LARGEST_SHARE * all_bytes:
        raise CollectionRefused(
            _("%(blobs)d of %(all_blobs)d blobs (%(bytes)d of %(all_bytes)d bytes) would go, more than a tenth.")
            % {"blobs": blobs, "all_blobs": all_blobs, "bytes": size, "all_bytes": all_bytes}
        )


def _bytes_of(blobs: QuerySet[Blob]) -> int:
    total: int = blobs.aggregate(total=Sum("size", default=0))["total"]
    return total


def _delete(sha256: str, graces: Graces, done: Collected) -> None:
    if _mark(sha256, graces, done):
        _throw_away(sha256, graces, done)


@transaction.atomic
def _mark(sha256: str, graces: Graces, done: Collected) -> bool:
    """Returns whether the blob is now `deleting`."""
    blob = _locked(sha256)
    if blob is None or blob.state == _State.LIVE:
        return False
    if blob.state == _State.DELETING:
        return True
    if not _is_unneeded(blob, graces):
        _spare(blob, done)
        return False
    blob.state, blob.state_since = _State.DELETING, database_now()
    blob.save(update_fields=["state", "state_since"])
    return True


@transaction.atomic
def _throw_away(sha256: str, graces: Graces, done: Collected) -> None:
    blob = _locked(sha256)
    if blob is None or blob.state != _State.DELETING:
        return
    if not _is_unneeded(blob, graces):
        _spare(blob, done)
        return
    with connection.cursor() as cursor:  # a key that nobody told us of must object now, not after the rename
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    size = blob.size
    blob.delete()
    blob_store().remove(sha256, at=database_now().timestamp())
    done.deleted += 1
    done.deleted_bytes += size


def _locked(sha256: str) -> Blob | None:
    """The row under both locks; None when it is gone, or when somebody is just taking hold of it."""
    upkeep_leases.refuse_during_backup()
    lock_blobs([sha256])
    return Blob.objects.select_for_update(skip_locked=True).filter(sha256=sha256).first()


def _is_unneeded(blob: Blob, graces: Graces) -> bool:
    return unneeded(graces.untouched).filter(pk=blob.pk).exists()


def _spare(blob: Blob, done: Collected) -> None:
    """Back to life. Half deleted bytes are looked at first: only what is whole is live."""
    if blob.state == _State.CORRUPT:
        return
    if blob.state == _State.DELETING:
        blob_store().recover(blob.sha256, before=database_now().timestamp())
        is_whole = stored_sha256(blob.sha256) == blob.sha256
        blob.state = _State.LIVE if is_whole else _State.CORRUPT
    else:
        blob.state = _State.LIVE
    blob.state_since = None if blob.state == _State.LIVE else database_now()
    blob.save(update_fields=["state", "state_since"])
    done.spared += 1


def _orphans(graces: Graces) -> Iterator[str]:
    """Names of files without a row that were written long enough ago."""
    written_before = (database_now() - graces.untouched).timestamp()
    old = (file.sha256 for file in blob_store().walk() if file.written_at <= written_before)
    while batch := list(islice(old, ROWS_PER_BATCH)):
        known = set(Blob.objects.filter(sha256__in=batch).values_list("sha256", flat=True))
        yield from (sha256 for sha256 in batch if sha256 not in known)


def _collect_orphans(graces: Graces, done: Collected, *, force: bool) -> None:
    found = list(_orphans(graces))
    if not force and len(found) > LARGEST_SHARE * (Blob.objects.count() + len(found)):
        raise CollectionRefused(
            _("%(files)d files have no row, more than a tenth of all: is this the right database?")
            % {"files": len(found)}
        )
    for sha256 in found:
        with transaction.atomic():
            upkeep_leases.refuse_during_backup()
            lock_blobs([sha256])
            if not Blob.objects.filter(sha256=sha256).exists():
                blob_store().remove(sha256, at=database_now().timestamp())
                done.orphans += 1
