"""Shards: how files are made of terms (runs of chunks in xorbs), as a Xet client uploads it.

Everything is a sequence of 48-byte entries, little-endian. Source: the published Xet protocol specification;
that the sha256 is stored in the order of a Xet hash was observed from hf_xet 1.8.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from django.utils.translation import gettext as _

from catalog.errors import InvalidShard
from catalog.parsing.xet_hash import hash_text

MOST_SHARD_BYTES: Final = 128 * 1024**2  # clients aim at 64 MiB, which describe files of some 80 GB
MOST_FILES: Final = 25_000  # as many as a commit takes
TAG: Final = b"HFRepoMetaData\0" + bytes.fromhex("5569 6745 6a7b 8157 83a5 bdd9 5ccd d14a a9")
VERSION: Final = 2
ENTRY_BYTES: Final = 48
_READ_ENTRIES = 512  # at a time
_BOOKEND = b"\xff" * 32
BOOKEND_ENTRY: Final = _BOOKEND + bytes(ENTRY_BYTES - len(_BOOKEND))
_HAS_VERIFICATION = 1 << 31
_HAS_METADATA = 1 << 30

_HEADER = struct.Struct("<32sQQ")
_FILE = struct.Struct("<32sII8x")
_XORB = struct.Struct("<32sIIII")
_TERM = struct.Struct("<32sIIII")
_HASH = struct.Struct("<32s16x")


@dataclass(frozen=True)
class Term:
    """Chunks `start` to `end` (exclusive) of a xorb."""

    xorb_hash: str
    unpacked_length: int
    start: int
    end: int


@dataclass(frozen=True)
class ShardFile:
    """One file; its terms stay in the shard, for there may be a million of them."""

    file_hash: str
    sha256: str | None  # ordinary hex
    term_count: int
    has_verification: bool
    at: int  # where its terms begin in the shard


@dataclass(frozen=True)
class ShardXorb:
    """A xorb that the sender describes; what it holds is known from the xorb itself."""

    xorb_hash: str
    chunk_count: int
    content_length: int


class Shard:
    """A shard in an open file, checked to be well formed; a footer, if any, is ignored.

    Raises:
        InvalidShard: with a sentence that says what is malformed.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._size = source.seek(0, os.SEEK_END)
        if self._size > MOST_SHARD_BYTES:
            raise InvalidShard(
                _("A shard may have at most %(most_shard_bytes)s bytes.") % {"most_shard_bytes": MOST_SHARD_BYTES}
            )
        self._at = 0
        tag, version, _footer = _HEADER.unpack(self._next())
        if tag != TAG or version != VERSION:
            raise InvalidShard(_("The bytes are no shard of version 2."))
        self.files: list[ShardFile] = []
        while (entry := self._next())[:32] != _BOOKEND:
            if len(self.files) == MOST_FILES:
                raise InvalidShard(_("A shard may describe at most %(most_files)s files.") % {"most_files": MOST_FILES})
            self.files.append(self._file(entry))
        self._xorbs_at = self._at
        for _xorb in self.xorbs():
            pass

    def terms(self, file: ShardFile) -> Iterator[tuple[Term, str | None]]:
        """Yields the terms of a file with their verification hashes, None when the sender left them out.

        Raises:
            InvalidShard: a term is empty.
        """
        for first in range(0, file.term_count, _READ_ENTRIES):
            count = min(_READ_ENTRIES, file.term_count - first)
            at = file.at + first * ENTRY_BYTES
            entries = self._read(at, count)
            hashes: Iterator[str | None] = iter([None] * count)
            if file.has_verification:
                stated = self._read(at + file.term_count * ENTRY_BYTES, count)
                hashes = (hash_text(raw) for (raw,) in _HASH.iter_unpack(stated))
            for (raw_hash, _flags, length, start, end), verification in zip(
                _TERM.iter_unpack(entries), hashes, strict=True
            ):
                if start >= end or not length:
                    raise InvalidShard(_("A term of the shard is empty."))
                yield Term(hash_text(raw_hash), length, start, end), verification

    def xorbs(self) -> Iterator[ShardXorb]:
        """Yields the xorbs that the sender describes."""
        self._at = self._xorbs_at
        while (entry := self._next())[:32] != _BOOKEND:
            raw_hash, _flags, count, content_length, _stored = _XORB.unpack(entry)
            self._skip(count)
            yield ShardXorb(hash_text(raw_hash), count, content_length)

    def _file(self, entry: bytes) -> ShardFile:
        raw_hash, flags, count = _FILE.unpack(entry)
        at = self._at
        has_verification = bool(flags & _HAS_VERIFICATION)
        self._skip(count * (2 if has_verification else 1))
        sha256 = hash_text(_HASH.unpack(self._next())[0]) if flags & _HAS_METADATA else None
        return ShardFile(hash_text(raw_hash), sha256, count, has_verification, at)

    def _next(self) -> bytes:
        entry = self._read(self._at, 1)
        self._at += ENTRY_BYTES
        return entry

    def _skip(self, count: int) -> None:
        if count * ENTRY_BYTES > self._size - self._at:
            raise InvalidShard(_("The shard claims more entries than it holds."))
        self._at += count * ENTRY_BYTES

    def _read(self, at: int, count: int) -> bytes:
        self._source.seek(at)
        entries = self._source.read(count * ENTRY_BYTES)
        if len(entries) != count * ENTRY_BYTES:
            raise InvalidShard(_("The shard ends too early."))
        return entries
