"""The chunks of one xorb in 45 bytes each, as the database keeps them: 0.07 % of the content of usual chunks."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PLAIN: Final = 0  # the scheme of a chunk that is not compressed
_ROW = struct.Struct("<32sIIBI")


@dataclass(frozen=True)
class XorbChunk:
    """One chunk: its stored bytes are `data[offset : offset + stored_length]`, its header the 8 bytes before them."""

    hash: bytes
    offset: int
    stored_length: int
    scheme: int
    length: int  # uncompressed

    @property
    def is_plain(self) -> bool:
        """Whether its stored bytes are its content."""
        return self.scheme == PLAIN


@dataclass(frozen=True)
class ChunkTable:
    """Rows that `TableBuilder` wrote, read on demand."""

    data: bytes

    def __len__(self) -> int:
        return len(self.data) // _ROW.size

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[XorbChunk]:
        """Yields the chunks from `start` to `end` (exclusive)."""
        stop = len(self) if end is None else end
        for row in _ROW.iter_unpack(memoryview(self.data)[start * _ROW.size : stop * _ROW.size]):
            digest, offset, stored_length, scheme, length = row
            yield XorbChunk(digest, offset, stored_length, scheme, length)

    def nodes(self, start: int, end: int) -> Iterator[tuple[bytes, int]]:
        """Yields hash and length of the same chunks."""
        for row in _ROW.iter_unpack(memoryview(self.data)[start * _ROW.size : end * _ROW.size]):
            yield row[0], row[4]


class TableBuilder:
    """Takes chunks in their order."""

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data) // _ROW.size

    def add(self, chunk: XorbChunk) -> None:
        self._data += _ROW.pack(chunk.hash, chunk.offset, chunk.stored_length, chunk.scheme, chunk.length)

    def built(self) -> ChunkTable:
        return ChunkTable(bytes(self._data))
