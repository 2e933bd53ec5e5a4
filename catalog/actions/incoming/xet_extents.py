"""The extent table of decision 5: what was sent as xorbs lies in blobs, and can be named again for three weeks.

Clients remember for three weeks which xorbs they sent, and later send a shard alone. The bytes of a xorb are
dropped as soon as blobs hold all of its chunks, so a file costs its own size and 0.1 % of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from catalog.actions.incoming import xet_marks
from catalog.actions.incoming.xet_sources import staged_key
from catalog.models import Blob, StagedXorb, User, XorbExtent
from catalog.parsing.shard import Term
from catalog.parsing.xet_hash import hash_text
from catalog.stores import blob_store

LIFETIME: Final = timedelta(days=22)  # clients forget after three weeks
TERMS_PER_STEP: Final = 256
ROWS_PER_BATCH: Final = 500


@dataclass(frozen=True)
class Placed:
    """A term, and where in a blob its content begins."""

    term: Term
    blob: Blob
    offset: int


def record(account: User, placed: Iterable[Placed]) -> None:
    """Note where these terms lie, and drop the bytes of xorbs that blobs hold in full.

    Args:
        placed: taken some hundred at a time, outside any transaction of this function.
    """
    waiting = iter(placed)
    while step := list(islice(waiting, TERMS_PER_STEP)):
        for xorb_hash in _note(account, step):
            blob_store().drop_staged(staged_key(account, xorb_hash))


def expire() -> int:
    """Forget xorbs that no client remembers any more, their extents with them; returns how many.

    Blobs that only extents held back are then free to be collected.
    """
    with transaction.atomic():
        old = StagedXorb.objects.select_for_update(skip_locked=True).filter(touched_at__lt=Now() - LIFETIME)
        rows = list(old.select_related("account").defer("table").order_by("pk")[:ROWS_PER_BATCH])
        for row in rows:  # under the row's lock, so that nobody sends it again meanwhile
            blob_store().drop_staged(staged_key(row.account, row.xorb_hash))
        return StagedXorb.objects.filter(pk__in=[row.pk for row in rows]).delete()[1].get("catalog.StagedXorb", 0)


@transaction.atomic
def _note(account: User, placed: Iterable[Placed]) -> list[str]:
    """Returns the xorbs whose own bytes nobody needs any more."""
    by_xorb: dict[str, list[Placed]] = {}
    for one in placed:
        by_xorb.setdefault(one.term.xorb_hash, []).append(one)
    rows = StagedXorb.objects.select_for_update().filter(account=account, xorb_hash__in=by_xorb).order_by("pk")
    done: list[str] = []
    beginnings: list[tuple[str, StagedXorb]] = []
    for row in rows.iterator(chunk_size=16):
        is_covered = _covered(row)
        new = [extent for one in by_xorb[row.xorb_hash] for extent in _missing(row, is_covered, one)]
        XorbExtent.objects.bulk_create(new)
        if row.is_staged and all(is_covered):
            done.append(row.xorb_hash)
        beginnings += [(_first_chunk(row, one.term), row) for one in by_xorb[row.xorb_hash] if one.offset == 0]
    xet_marks.mark(beginnings)
    named = StagedXorb.objects.filter(account=account, xorb_hash__in=by_xorb)
    named.update(touched_at=Now())
    named.filter(xorb_hash__in=done).update(is_staged=False)
    return done


def _first_chunk(row: StagedXorb, term: Term) -> str:
    (digest, _length), *_ = row.chunks.nodes(term.start, term.start + 1)
    return hash_text(digest)


def _covered(row: StagedXorb) -> bytearray:
    """Of each chunk, whether a blob holds it."""
    covered = bytearray(len(row.chunks))
    for first, end in row.extents.filter(blob__state=Blob.State.LIVE).values_list("first", "end"):
        covered[first:end] = b"\1" * (end - first)
    return covered


def _missing(row: StagedXorb, covered: bytearray, placed: Placed) -> Iterator[XorbExtent]:
    """Yields extents for those chunks of a term that no blob held before, and marks them."""
    term, at = placed.term, placed.offset
    run: XorbExtent | None = None
    for number, (_digest, length) in enumerate(row.chunks.nodes(term.start, term.end), start=term.start):
        if covered[number]:
            if run is not None:
                yield run
            run = None
        else:
            run = run or XorbExtent(xorb=row, blob=placed.blob, first=number, blob_offset=at)
            run.end = number + 1
            covered[number] = 1
        at += length
    if run is not None:
        yield run
