"""Writing a pack as a stream: a header that counts, objects one by one, a checksum.

Source: git's Documentation/gitformat-pack.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
_NAMED_DELTA: Final = 7
_LEVEL: Final = 1  # a network is faster than deflating well


@dataclass(frozen=True)
class PackObject:
    """An object on its way out: its content in pieces, or its difference from one that is in the pack, too."""

    kind: int
    size: int
    pieces: Iterable[bytes]
    base: bytes = b""  # binary id of the object `pieces` are a delta to


def written(count: int, objects: Iterable[PackObject]) -> Iterator[bytes]:
    """The bytes of a pack.

    Raises:
        ValueError: there were more or fewer objects, or bytes of one, than announced. The stream is broken then.
    """
    checksum = hashlib.sha1(usedforsecurity=False)
    head = b"PACK\0\0\0\2" + count.to_bytes(4, "big")
    checksum.update(head)
    yield head
    written_count = 0
    for one in objects:
        written_count += 1
        for piece in _entry(one):
            checksum.update(piece)
            yield piece
    if written_count != count:
        raise ValueError(f"{written_count} objects were written where {count} were announced")
    yield checksum.digest()


def _entry(one: PackObject) -> Iterator[bytes]:
    deflater, size = zlib.compressobj(_LEVEL), 0
    start = _header(_NAMED_DELTA if one.base else one.kind, one.size) + one.base
    for piece in one.pieces:
        size += len(piece)
        if deflated := start + deflater.compress(piece):
            yield deflated
        start = b""
    if size != one.size:
        raise ValueError(f"an object has {size} bytes where {one.size} were announced")
    yield start + deflater.flush()


def _header(kind: int, size: int) -> bytes:
    first, size = (kind << 4) | (size & 15), size >> 4
    groups = bytearray([first])
    while size:
        groups[-1] |= 0x80
        groups.append(size & 0x7F)
        size >>= 7
    return bytes(groups)
