"""Bytes come in: staged and hashed, verified, then made durable and known (security 3).

The order is bytes, then rows: a `Blob` row that is live has a durable file, always. Bytes are read
and hashed in full even if we hold them already, since sending them is the proof of having them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import quotas, strangers
from catalog.actions.history import healing
from catalog.actions.incoming import blob_rows
from catalog.actions.incoming.blob_locks import lock_blobs
from catalog.errors import HashMismatch, StorageFull, UploadGone
from catalog.models import Blob, Repo, RepoBlob, Upload, User
from catalog.storage.base import Bytes, StagedBlob, StoredBlob
from catalog.stores import blob_store

UPLOAD_LIFETIME: Final = timedelta(hours=24)
UNCOMMITTED_LIFETIME: Final = timedelta(days=7)
RESERVED_FROM_BYTES: Final = 8 * 1024**2  # smaller bodies fit into what the store always keeps free
_RESERVATION_LOCK: Final = 0x6D61726B65740001  # one reservation is made at a time


@dataclass(frozen=True)
class Arrival:
    """Bytes that are here in full and hashed, but have no name in the store yet."""

    staged: StagedBlob
    names: StoredBlob


def store_bytes(
    *, repo: Repo, actor: User, chunks: Iterable[Bytes], sha256: str | None = None, size: int | None = None
) -> Blob:
    """Returns the blob of a body that arrived for this repo, durable and ready to be committed.

    Args:
        sha256, size: what was announced; None where nothing was.

    Raises:
        HashMismatch, SizeMismatch: it is not what was announced; nothing was kept.
        StorageFull
        QuotaExceeded: for the namespace, or for somebody who may only offer it.
    """
    if size is not None and size >= RESERVED_FROM_BYTES and sha256 is not None:
        return receive_upload(upload=open_upload(repo=repo, actor=actor, sha256=sha256, size=size), chunks=chunks)
    with arriving(chunks, size=size, sha256=sha256) as arrival, transaction.atomic():
        blob = publish(repo=repo, arrival=arrival)
        strangers.check_bytes(repo, actor)
        return blob


def store_many(*, repo: Repo, contents: Sequence[bytes], actor: User | None = None) -> list[Blob]:
    """Returns the blobs of many small files, in their order: made durable together, known in one transaction.

    Args:
        actor: who sends them, where that may be somebody who only offers them.

    Raises:
        StorageFull, QuotaExceeded
    """
    arrivals = [Arrival(staged, staged.names) for staged in blob_store().stage_all(contents)]
    try:
        with transaction.atomic():
            blobs = _keep_all(arrivals, repo=repo)
            _entitle(repo, blobs.values())
            strangers.check_bytes(repo, actor)
    finally:
        for arrival in arrivals:
            arrival.staged.discard()
    return [blobs[arrival.names.sha256] for arrival in arrivals]


@contextmanager
def arriving(chunks: Iterable[Bytes], *, size: int | None = None, sha256: str | None = None) -> Iterator[Arrival]:
    """Writes and hashes a body; what is not published inside the block is dropped at its end.

    Raises:
        HashMismatch, SizeMismatch, StorageFull
    """
    arrival = _receive(chunks, size, sha256)
    with arrival.staged:
        yield arrival


@transaction.atomic
def publish(*, repo: Repo, arrival: Arrival) -> Blob:
    """Make these bytes durable, known, and this repo's to commit for the next days."""
    blob = _keep_all([arrival], repo=repo)[arrival.names.sha256]
    _entitle(repo, [blob])
    return blob


@transaction.atomic
def keep(arrival: Arrival) -> Blob:
    """Make these bytes durable and known; whoever needs them notes so in the same transaction."""
    return _keep_all([arrival])[arrival.names.sha256]


def _keep_all(arrivals: Iterable[Arrival], *, repo: Repo | None = None) -> dict[str, Blob]:
    """Files first, then rows (security 3), while holding the locks of their names.

    Args:
        repo: for whom; its owner may not notice that others sent the same bytes (ADR 0013).
    """
    by_sha256 = {arrival.names.sha256: arrival for arrival in arrivals}
    lock_blobs(by_sha256)
    damaged = Blob.objects.filter(sha256__any_of=by_sha256, state=Blob.State.CORRUPT).values_list("sha256", flat=True)
    replace = set(damaged) | _to_write_again(by_sha256, repo)
    blob_store().publish_all([arrival.staged for arrival in by_sha256.values()], replace=replace)
    return blob_rows.make_live([arrival.names for arrival in by_sha256.values()])


def _to_write_again(sha256s: Iterable[str], repo: Repo | None) -> set[str]:
    """Those whose bytes take the whole way into the store, though another owner's equal ones may lie there."""
    if repo is None or not quotas.dedups_within_owner(repo):
        return set()
    mine = RepoBlob.objects.filter(repo__namespace=repo.namespace_id, blob__sha256__any_of=sha256s)
    return set(sha256s) - set(mine.values_list("blob__sha256", flat=True))


def _entitle(repo: Repo, blobs: Iterable[Blob]) -> None:
    """Note that this repo received these bytes; what no commit holds yet may wait some days.

    Raises:
        QuotaExceeded: the namespace has no room left for them.
    """
    blobs = sorted(blobs, key=lambda one: one.pk)
    blob_rows.entitle(repo, [blob.pk for blob in blobs], lifetime=UNCOMMITTED_LIFETIME)
    healing.heal(repo, blobs)
    quotas.check(repo)


@transaction.atomic
def receive_known(*, repo: Repo, blob: Blob) -> bool:
    """Entitle this repo to bytes that its writer sent here before; returns whether they are still here, whole.

    Raises:
        QuotaExceeded
    """
    lock_blobs([blob.sha256])
    live = Blob.objects.filter(pk=blob.pk, state=Blob.State.LIVE)
    if not live.update(touched_at=Now()) or blob_store().size(blob.sha256) != blob.size:
        return False
    _entitle(repo, [blob])
    return True


def held_by(repo: Repo, sha256s: Iterable[str]) -> dict[str, int]:
    """Returns sha256 → size of those bytes that this repo received; nothing is told of others'."""
    rows = RepoBlob.objects.filter(repo=repo, blob__sha256__in=list(sha256s), blob__state=Blob.State.LIVE)
    return dict(rows.values_list("blob__sha256", "blob__size"))


def open_upload(*, repo: Repo, actor: User, sha256: str, size: int) -> Upload:
    """Reserve room for bytes that were announced; announcing them again reserves no more.

    Raises:
        StorageFull
        QuotaExceeded: the namespace has no room left, counting what else was announced.
    """
    return open_uploads(repo=repo, actor=actor, sizes={sha256: size})[sha256]


@transaction.atomic
def open_uploads(*, repo: Repo, actor: User, sizes: Mapping[str, int]) -> dict[str, Upload]:
    """`open_upload` for many at once: all of them or none.

    Args:
        sizes: sha256 → bytes.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RESERVATION_LOCK])
    mine = Upload.objects.filter(_open_now(), repo=repo, actor=actor, sha256__in=list(sizes))
    waiting = {upload.sha256: upload for upload in mine if sizes[upload.sha256] == upload.size}
    mine.filter(pk__in=[upload.pk for upload in waiting.values()]).update(expires_at=Now() + UPLOAD_LIFETIME)
    coming = {sha256: size for sha256, size in sizes.items() if sha256 not in waiting}
    if coming:
        _check_room(sum(coming.values()))
        quotas.check(repo, coming_bytes=sum(coming.values()))
        strangers.check_bytes(repo, actor, coming_bytes=sum(coming.values()))
    rows = [
        Upload(repo=repo, actor=actor, sha256=sha256, size=size, created_at=Now(), expires_at=Now() + UPLOAD_LIFETIME)
        for sha256, size in coming.items()
    ]
    return waiting | {upload.sha256: upload for upload in Upload.objects.bulk_create(rows)}


def upload_in_progress(upload_id: int) -> Upload:
    """Returns an upload that may still receive its bytes.

    Raises:
        UploadGone: finished, expired, or never opened.
    """
    upload = (
        Upload.objects.select_related("repo__namespace", "actor")
        .filter(_open_now(), pk=upload_id, repo__deleted_at=None)
        .first()
    )
    if upload is None:
        raise UploadGone
    return upload


def receive_upload(*, upload: Upload, chunks: Iterable[Bytes]) -> Blob:
    """Returns the blob of an announced upload once its bytes are here, verified and durable.

    Raises:
        HashMismatch, SizeMismatch: nothing was kept; the same upload may be tried again.
    """
    with arriving(chunks, size=upload.size, sha256=upload.sha256) as arrival, transaction.atomic():
        blob = publish(repo=upload.repo, arrival=arrival)
        finish(upload)
        return blob


def finish(upload: Upload) -> None:
    """Give back the room that was reserved."""
    upload.finished_at = timezone.now()
    upload.save(update_fields=["finished_at"])


def expire_uploads() -> int:
    """Forget uploads that ended or whose time is over; returns how many."""
    return Upload.objects.exclude(_open_now()).delete()[0]


def _open_now() -> Q:
    """By the database's clock, as everything that collection looks at (security 6)."""
    return Q(finished_at=None, expires_at__gt=Now())


def _receive(chunks: Iterable[Bytes], size: int | None, sha256: str | None) -> Arrival:
    staged = blob_store().stage(expected_size=size)
    try:
        for chunk in chunks:
            staged.write(chunk)
        names = staged.finish()
        if sha256 is not None and names.sha256 != sha256:
            raise HashMismatch(announced=sha256, received=names.sha256)
    except BaseException:
        staged.discard()
        raise
    return Arrival(staged, names)


def _check_room(size: int) -> None:
    """What the store can take, less what others were promised."""
    headroom = blob_store().headroom_bytes()
    if headroom is None:  # object storage
        return
    promised: int = Upload.objects.filter(_open_now()).aggregate(bytes=Sum("size", default=0))["bytes"]
    if headroom - promised < size:
        raise StorageFull(_("The server has no room for these %(size)d bytes.") % {"size": size})
