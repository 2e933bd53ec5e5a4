"""Parts of a file that lie close together, read in one pass into one piece of memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from catalog.errors import BlobUnavailable

MOST_BUFFERS: Final = 1024  # IOV_MAX of Linux


class Part(NamedTuple):
    offset: int
    length: int


def span(parts: Sequence[Part]) -> tuple[int, int]:
    """Offset and length of all that lies from the first part to the end of the last."""
    start, last = parts[0].offset, parts[-1]
    return start, last.offset + last.length - start


def read_parts(descriptor: int, parts: Sequence[Part]) -> bytearray:
    """The bytes of these parts in a row; what lies between them goes into memory that nobody looks at.

    Args:
        parts: in the order of the file, not overlapping, at least one.

    Raises:
        BlobUnavailable: the file is shorter.
    """
    found = bytearray(sum(part.length for part in parts))
    buffers, at, position = [], 0, parts[0].offset
    for part in parts:
        if part.offset > position:
            buffers.append(memoryview(bytearray(part.offset - position)))
        buffers.append(memoryview(found)[at : at + part.length])
        at, position = at + part.length, part.offset + part.length
    position = parts[0].offset
    while buffers:
        size = os.preadv(descriptor, buffers[:MOST_BUFFERS], position)
        if not size:
            raise BlobUnavailable
        position += size
        buffers = _unfilled(buffers, size)
    return found


def take_parts(data: bytes, parts: Sequence[Part]) -> bytes:
    """The same out of `data`, which holds their whole `span`. Raises `BlobUnavailable` when it is shorter."""
    start, length = span(parts)
    if len(data) != length:
        raise BlobUnavailable
    return b"".join(memoryview(data)[part.offset - start : part.offset - start + part.length] for part in parts)


def _unfilled(buffers: list[memoryview], size: int) -> list[memoryview]:
    for number, buffer in enumerate(buffers):
        if size < len(buffer):
            return [buffer[size:], *buffers[number + 1 :]]
        size -= len(buffer)
    return []
