"""A plain blob as a Xet client reads it: cut into xorbs of chunks of one size, each stored as it is.

Nothing of this is stored. hf_xet takes the chunks a reconstruction names in whatever sizes they come and compares
no hash on the way down (seen with 1.8), so the places of all headers follow from the size alone; the bytes
themselves were hashed when they came, and are by scrub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from catalog.parsing.xorb import HEADER_BYTES

CHUNK_BYTES: Final = 128 * 1024  # the largest that clients read
CHUNKS: Final = 512  # of each xorb but the last
XORB_BYTES: Final = CHUNK_BYTES * CHUNKS
STORED_CHUNK_BYTES: Final = HEADER_BYTES + CHUNK_BYTES


@dataclass(frozen=True)
class ViewTerm:
    """Chunks `start` to `end` (exclusive) of xorb `index`."""

    index: int
    start: int
    end: int
    length: int  # of content
    stored_start: int  # in the xorb, headers included
    stored_end: int  # exclusive


@dataclass(frozen=True)
class XorbView:
    """The xorbs of one blob."""

    sha256: str
    size: int

    def xorb_hash(self, index: int) -> str:
        """A name that no other content has: clients may keep what they fetched under it."""
        return hashlib.sha256(f"xorb {index} of {self.sha256}".encode()).hexdigest()

    def terms(self, start: int, end: int) -> Iterator[ViewTerm]:
        """Yields what holds the bytes from `start` to `end` (exclusive) of the file; whole chunks."""
        for index in range(start // XORB_BYTES, -(-end // XORB_BYTES)):
            first_byte, beyond = index * XORB_BYTES, min((index + 1) * XORB_BYTES, self.size)
            first = (max(start, first_byte) - first_byte) // CHUNK_BYTES
            last = -(-(min(end, beyond) - first_byte) // CHUNK_BYTES)
            length = min(last * CHUNK_BYTES, beyond - first_byte) - first * CHUNK_BYTES
            stored_start = first * STORED_CHUNK_BYTES
            stored_end = stored_start + length + HEADER_BYTES * (last - first)
            yield ViewTerm(index, first, last, length, stored_start, stored_end)

    def xorb(self, index: int) -> ViewTerm | None:
        """All of one xorb; None behind the end."""
        start = index * XORB_BYTES
        return next(self.terms(start, min(start + XORB_BYTES, self.size)), None) if 0 <= start < self.size else None
