"""Shards: how files are made of terms (runs of chunks in xorbs), as a Xet client uploads it.

Everything is a sequence of 48-byte entries, little-endian. Source: the published Xet protocol specification;
that the sha256 is stored in the order of a Xet hash was observed from hf_xet 1.8.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from catalog.errors import InvalidShard
from catalog.parsing.xet_hash import hash_text

MOST_SHARD_BYTES: Final = 64 * 1024**2
_TAG = b"HFRepoMetaData\0" + bytes.fromhex("5569 6745 6a7b 8157 83a5 bdd9 5ccd d14a a9")
_VERSION = 2
_ENTRY_BYTES = 48
_BOOKEND = b"\xff" * 32
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
    """One file. `verification` has one hash (text) for each term, or is empty when the sender left it out."""

    file_hash: str
    terms: tuple[Term, ...]
    verification: tuple[str, ...]
    sha256: str | None  # ordinary hex

    @property
    def size(self) -> int:
        return sum(term.unpacked_length for term in self.terms)


@dataclass(frozen=True)
class ShardXorb:
    """A xorb that the sender describes; what it holds is known from the xorb itself."""

    xorb_hash: str
    chunk_count: int
    content_length: int


@dataclass(frozen=True)
class Shard:
    files: list[ShardFile]
    xorbs: list[ShardXorb]


def read_shard(data: bytes | memoryview) -> Shard:
    """The files and xorbs of a shard; a footer, if any, is ignored.

    Raises:
        InvalidShard: with a sentence that says what is malformed.
    """
    if len(data) > MOST_SHARD_BYTES:
        raise InvalidShard(f"A shard may have at most {MOST_SHARD_BYTES} bytes.")
    view = memoryview(data)
    tag, version, _ = _HEADER.unpack(_entry(view, 0))
    if tag != _TAG or version != _VERSION:
        raise InvalidShard("The bytes are no shard of version 2.")
    reader = _Entries(view)
    files = list(_files(reader))
    return Shard(files, list(_xorbs(reader)))


class _Entries:
    """Walks the entries behind the header; every step stays inside the data."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = _ENTRY_BYTES

    def next(self) -> memoryview:
        entry = _entry(self._view, self._at)
        self._at += _ENTRY_BYTES
        return entry

    def check_left(self, count: int) -> None:
        """Refuse a count before anything is built from it."""
        if count * _ENTRY_BYTES > len(self._view) - self._at:
            raise InvalidShard("The shard claims more entries than it holds.")

    def skip(self, count: int) -> None:
        self.check_left(count)
        self._at += count * _ENTRY_BYTES


def _entry(view: memoryview, at: int) -> memoryview:
    entry = view[at : at + _ENTRY_BYTES]
    if len(entry) != _ENTRY_BYTES:
        raise InvalidShard("The shard ends too early.")
    return entry


def _files(reader: _Entries) -> Iterator[ShardFile]:
    while (entry := reader.next())[:32] != _BOOKEND:
        raw_hash, flags, count = _FILE.unpack(entry)
        reader.check_left(count)
        terms = tuple(_term(reader.next()) for _ in range(count))
        verified = count if flags & _HAS_VERIFICATION else 0
        reader.check_left(verified)
        verification = tuple(_text(reader.next()) for _ in range(verified))
        sha256 = _text(reader.next()) if flags & _HAS_METADATA else None
        yield ShardFile(hash_text(raw_hash), terms, verification, sha256)


def _xorbs(reader: _Entries) -> Iterator[ShardXorb]:
    while (entry := reader.next())[:32] != _BOOKEND:
        raw_hash, _, count, content_length, _ = _XORB.unpack(entry)
        reader.skip(count)
        yield ShardXorb(hash_text(raw_hash), count, content_length)


def _term(entry: memoryview) -> Term:
    raw_hash, _, unpacked_length, start, end = _TERM.unpack(entry)
    if start >= end or not unpacked_length:
        raise InvalidShard("A term of the shard is empty.")
    return Term(hash_text(raw_hash), unpacked_length, start, end)


def _text(entry: memoryview) -> str:
    return hash_text(_HASH.unpack(entry)[0])
