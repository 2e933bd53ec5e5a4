"""Large LFS uploads in parts: each is kept when it is whole, and the file is made of them at the end.

A part that breaks off is sent again by itself; parts are dropped when the upload is complete, given up or over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from blake3 import blake3
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog.actions.incoming import uploads
from catalog.errors import BadInput, BlobUnavailable, HashMismatch, SizeMismatch, UploadGone
from catalog.models import Blob, Upload, UploadPart
from catalog.stores import blob_store

MOST_PARTS: Final = 10_000
READ_BYTES: Final = 2 * 1024 * 1024  # of a part at a time


def part_bytes(size: int) -> int:
    """How large the parts of a file of this size are, the last one aside."""
    return max(settings.LFS_PART_BYTES, -(-size // MOST_PARTS))


def part_count(size: int) -> int:
    return -(-size // part_bytes(size))


def receive_part(*, upload: Upload, number: int, pieces: Iterable[memoryview]) -> str:
    """Keep part `number` (from 1), in place of an earlier attempt; returns its etag.

    Raises:
        BadInput: there is no such part.
        SizeMismatch, StorageFull
        UploadGone: the upload ended meanwhile.
    """
    if not 1 <= number <= part_count(upload.size):
        raise BadInput(_("This upload has no part %(number)d.") % {"number": number})
    expected = min(part_bytes(upload.size), upload.size - (number - 1) * part_bytes(upload.size))
    part = UploadPart.objects.get_or_create(upload=upload, number=number)[0]
    digest, size = blake3(), 0
    with blob_store().open_staged(_key(part)) as staged:
        for piece in pieces:
            size += len(piece)
            if size > expected:
                raise SizeMismatch(
                    _("Part %(number)d has more than %(size)d bytes.") % {"number": number, "size": expected}
                )
            digest.update(piece)
            staged.write(piece)
        if size != expected:
            raise SizeMismatch(_("Part %(number)d has %(size)d bytes.") % {"number": number, "size": expected})
        with transaction.atomic():  # the row's lock keeps expiry away until the bytes have their name
            mine = UploadPart.objects.select_for_update().filter(pk=part.pk, upload=upload)
            if not mine.update(size=size, etag=digest.hexdigest()):
                raise UploadGone
            Upload.objects.filter(pk=upload.pk).update(expires_at=Now() + uploads.UPLOAD_LIFETIME)  # it goes on
            staged.keep()
    return digest.hexdigest()


def complete(*, upload: Upload, etags: Sequence[str]) -> Blob:
    """Returns the blob made of all parts, in order.

    Args:
        etags: what `receive_part` returned, from part 1 on.

    Raises:
        BadInput: a part is missing, or is not the one that was sent last.
        HashMismatch: the whole is not what was announced; all parts are forgotten.
    """
    parts = list(upload.parts.exclude(etag="").order_by("number"))
    if len(etags) != part_count(upload.size) or [part.etag for part in parts] != list(etags):
        raise BadInput(
            _("The parts listed are not those that were sent: %(count)d are needed.")
            % {"count": part_count(upload.size)}
        )
    try:
        blob = uploads.receive_upload(upload=upload, chunks=_content(parts))
    except HashMismatch:
        drop(upload)
        raise
    drop(upload)
    return blob


def drop(upload: Upload) -> None:
    """Forget what was sent."""
    _drop(Q(upload=upload))


def expire() -> int:
    """Forget parts of uploads that are over; returns how many."""
    is_over = Q(upload=None) | Q(upload__expires_at__lte=Now()) | Q(upload__finished_at__isnull=False)
    return _drop(is_over)


@transaction.atomic
def _drop(which: Q) -> int:
    parts = list(UploadPart.objects.select_for_update(of=("self",)).filter(which).order_by("pk")[:MOST_PARTS])
    for part in parts:
        blob_store().drop_staged(_key(part))
    return UploadPart.objects.filter(pk__in=[part.pk for part in parts]).delete()[0]


def _content(parts: Iterable[UploadPart]) -> Iterator[bytes]:
    for part in parts:
        for start in range(0, part.size, READ_BYTES):
            wanted = min(READ_BYTES, part.size - start)
            data = blob_store().read_staged(_key(part), start, wanted)
            if len(data) != wanted:
                raise BlobUnavailable
            yield data


def _key(part: UploadPart) -> str:
    return f"parts/{part.pk}"
