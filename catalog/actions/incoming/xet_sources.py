"""Where the chunks are that an account sent by Xet: in staged xorbs, or by now in blobs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, InvalidShard, InvalidXorb
from catalog.models import Blob, StagedXorb, User, XorbExtent
from catalog.parsing import xet_hash
from catalog.parsing.chunk_table import ChunkTable, XorbChunk
from catalog.parsing.shard import Term
from catalog.parsing.xorb import chunk_bytes
from catalog.storage.base import Bytes
from catalog.storage.scattered import Part, span
from catalog.stores import blob_store

GIVEN_BYTES: Final = 2 * 1024 * 1024  # to the store at a time; short writes hash slowly
KEPT_TABLES: Final = 16  # terms come in runs over few xorbs; a table has at most 370 kB


@dataclass(frozen=True)
class SentXorb:
    """A xorb of this account, and where its chunks can be had now."""

    xorb_hash: str
    table: ChunkTable
    stored_bytes: int
    is_staged: bool
    extents: list[XorbExtent]  # in blobs that are whole

    def extent_at(self, chunk: int, *, blob_id: int | None = None) -> XorbExtent | None:
        """The longest run of chunks from this one on that lies in a blob, or in this one blob."""
        fitting = [one for one in self.extents if one.first <= chunk < one.end and blob_id in (None, one.blob_id)]
        return max(fitting, key=lambda one: one.end, default=None)

    def length(self, first: int, end: int) -> int:
        return sum(length for _digest, length in self.table.nodes(first, end))

    def has(self, start: int, end: int) -> bool:
        """Whether all chunks from `start` to `end` (exclusive) can be had."""
        if not 0 <= start < end <= len(self.table):
            return False
        at = start
        while not self.is_staged and at < end:
            extent = self.extent_at(at)
            if extent is None:
                return False
            at = extent.end
        return True


class SentXorbs:
    """All that one account sent, looked up as terms name it."""

    def __init__(self, account: User) -> None:
        self._account = account
        self._loaded: OrderedDict[str, SentXorb] = OrderedDict()
        self._is_whole: dict[str, bool] = {}  # by the sha256 of a blob

    def chunks_of(self, term: Term) -> Iterator[tuple[bytes, int]]:
        """Yields hash and length of the chunks of a term. Raises `InvalidShard` unless all of them are here."""
        xorb = self._xorb(term.xorb_hash)
        if xorb is None or (term.end <= len(xorb.table) and not xorb.has(term.start, term.end)):
            raise InvalidShard(
                _("The shard names a xorb that was not sent here. Clear the Xet cache (HF_XET_CACHE) and try again.")
            )
        if term.end > len(xorb.table):
            raise InvalidShard(_("A term of the shard names chunks that its xorb does not have."))
        return xorb.table.nodes(term.start, term.end)

    def whole(self, xorb_hash: str) -> SentXorb | None:
        """The xorb, if every chunk of it can be had."""
        xorb = self._xorb(xorb_hash)
        return xorb if xorb is not None and xorb.has(0, len(xorb.table)) else None

    def content(self, terms: Iterable[Term]) -> Iterator[Bytes]:
        """Yields the bytes of these terms, some MiB at a time. Raises `BlobUnavailable`, `InvalidXorb`."""
        waiting: list[Bytes] = []
        size = 0
        for term in terms:
            for part in self._parts(term):
                if not waiting and len(part) >= GIVEN_BYTES // 2:
                    yield part  # long enough, and not copied once more
                    continue
                waiting.append(part)
                size += len(part)
                if size >= GIVEN_BYTES:
                    yield b"".join(waiting)
                    waiting, size = [], 0
        if waiting:
            yield b"".join(waiting)

    def blob_made_of(self, terms: Iterable[Term], sha256: str, size: int) -> Blob | None:
        """The blob of this name, if extents prove that it is just these chunks in this order."""
        blob = Blob.objects.filter(sha256=sha256, size=size, state=Blob.State.LIVE).first()
        offset = 0
        for term in terms:
            xorb, at = self._xorb(term.xorb_hash), term.start
            while blob is not None and at < term.end:
                extent = xorb.extent_at(at, blob_id=blob.pk) if xorb is not None else None
                if xorb is None or extent is None or extent.blob_offset + xorb.length(extent.first, at) != offset:
                    return None
                end = min(extent.end, term.end)
                offset += xorb.length(at, end)
                at = end
        return blob if offset == size else None

    def _parts(self, term: Term) -> Iterator[Bytes]:
        at = term.start
        while at < term.end:
            xorb = self._xorb(term.xorb_hash)
            if xorb is None:
                raise BlobUnavailable
            if not xorb.is_staged:
                extent = xorb.extent_at(at)
                if extent is None:
                    raise BlobUnavailable
                end = min(extent.end, term.end)
                start = extent.blob_offset + xorb.length(extent.first, at)
                yield from _blob_parts(extent.blob.sha256, start, xorb.length(at, end))
                at = end
                continue
            run = _run(xorb.table.chunks(at, term.end))
            try:
                parts = self._staged_parts(xorb, run)
            except BlobUnavailable:  # its chunks became blobs meanwhile, by another shard
                del self._loaded[xorb.xorb_hash]
                if (again := self._xorb(xorb.xorb_hash)) is None or again.is_staged:
                    raise
                continue
            yield from parts
            at += len(run)

    def _staged_parts(self, xorb: SentXorb, run: list[XorbChunk]) -> Iterable[Bytes]:
        key, places = staged_key(self._account, xorb.xorb_hash), [Part(one.offset, one.stored_length) for one in run]
        if all(chunk.is_plain for chunk in run):  # as weights mostly are: nothing to decompress, nothing to copy
            return [blob_store().read_staged_parts(key, places)]
        start, length = span(places)
        data = blob_store().read_staged(key, start, length)
        return (chunk_bytes(data, chunk, start=start) for chunk in run)

    def _xorb(self, xorb_hash: str) -> SentXorb | None:
        known = self._loaded.get(xorb_hash)
        if known is not None:
            self._loaded.move_to_end(xorb_hash)
            return known
        row = StagedXorb.objects.filter(account=self._account, xorb_hash=xorb_hash).first()
        if row is None:
            return None
        live = row.extents.filter(blob__state=Blob.State.LIVE).select_related("blob")
        is_staged = row.is_staged and blob_store().has_staged(staged_key(self._account, xorb_hash))
        found = SentXorb(xorb_hash, row.chunks, row.size, is_staged, [one for one in live if self._has_file(one.blob)])
        self._loaded[xorb_hash] = found
        if len(self._loaded) > KEPT_TABLES:
            self._loaded.popitem(last=False)
        return found

    def _has_file(self, blob: Blob) -> bool:
        if blob.sha256 not in self._is_whole:
            self._is_whole[blob.sha256] = blob_store().size(blob.sha256) == blob.size
        return self._is_whole[blob.sha256]


def staged_key(account: User, xorb_hash: str) -> str:
    """Where the bytes of a xorb wait. Raises `InvalidXorb` when it has no proper name."""
    try:
        xet_hash.hash_bytes(xorb_hash)
    except ValueError:
        raise InvalidXorb(_("A xorb is named by 64 lower-case hexadecimal digits.")) from None
    return f"xorbs/{account.pk}/{xorb_hash}"


def _run(chunks: Iterable[XorbChunk]) -> list[XorbChunk]:
    """The first chunks, as many as are read together."""
    run: list[XorbChunk] = []
    for chunk in chunks:
        if run and chunk.offset + chunk.stored_length - run[0].offset > GIVEN_BYTES:
            break
        run.append(chunk)
    return run


def _blob_parts(sha256: str, start: int, length: int) -> Iterator[bytes]:
    end = start + length
    while start < end:
        data = blob_store().read_range(sha256, start, min(GIVEN_BYTES, end - start))
        if not data:
            raise BlobUnavailable
        yield data
        start += len(data)
