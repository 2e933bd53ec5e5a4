"""Xorbs: runs of compressed chunks, as a Xet client uploads them, believed only when every hash fits.

Source: the published Xet protocol specification; observed from hf_xet 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lz4.frame import LZ4FrameDecompressor

from catalog.errors import InvalidXorb
from catalog.parsing.xet_hash import chunk_hash, hash_text, tree_root

MOST_CONTENT_BYTES: Final = 64 * 1024**2  # uncompressed
MOST_CHUNKS: Final = 8192
MOST_XORB_BYTES: Final = MOST_CONTENT_BYTES + 1024**2  # as sent: incompressible content plus headers and a footer
_HEADER_BYTES = 8
_FOOTER_MARK = b"XETBLOB"
_PLAIN, _LZ4, _GROUPED_LZ4 = 0, 1, 2


@dataclass(frozen=True)
class XorbChunk:
    """One chunk: its stored bytes are `data[offset : offset + stored_length]`, its header the 8 bytes before them."""

    hash: bytes
    offset: int
    stored_length: int
    scheme: int
    length: int  # uncompressed


@dataclass(frozen=True)
class Xorb:
    """A verified xorb."""

    chunks: list[XorbChunk]

    @property
    def content_length(self) -> int:
        return sum(chunk.length for chunk in self.chunks)


def read_xorb(data: bytes | memoryview, expected_hash: str) -> Xorb:
    """The chunks of a xorb, each decompressed and hashed on the way.

    Raises:
        InvalidXorb: malformed, too large, or its content does not hash to `expected_hash`.
    """
    view = memoryview(data)
    if len(view) > MOST_XORB_BYTES:
        raise InvalidXorb(f"A xorb may have at most {MOST_XORB_BYTES} bytes.")
    chunks: list[XorbChunk] = []
    at = content = 0
    while at < len(view) and view[at : at + len(_FOOTER_MARK)] != _FOOTER_MARK:
        scheme, stored_length, length = _read_chunk_header(view, at)
        content += length
        if len(chunks) == MOST_CHUNKS or content > MOST_CONTENT_BYTES:
            raise InvalidXorb(
                f"A xorb may have at most {MOST_CHUNKS} chunks and {MOST_CONTENT_BYTES} bytes of content."
            )
        offset = at + _HEADER_BYTES
        plain = _decoded(view[offset : offset + stored_length], scheme, length)
        chunks.append(XorbChunk(chunk_hash(plain), offset, stored_length, scheme, length))
        at = offset + stored_length
    if not chunks:
        raise InvalidXorb("The xorb has no chunks.")
    actual = hash_text(tree_root([(chunk.hash, chunk.length) for chunk in chunks]))
    if actual != expected_hash:
        raise InvalidXorb(f"The xorb hashes to {actual}, not to its name.")
    return Xorb(chunks)


def chunk_bytes(data: bytes | memoryview, chunk: XorbChunk) -> bytes:
    """The content of one chunk of a xorb that was verified before.

    Raises:
        InvalidXorb: the stored bytes are damaged.
    """
    stored = memoryview(data)[chunk.offset : chunk.offset + chunk.stored_length]
    if len(stored) != chunk.stored_length:
        raise InvalidXorb("The xorb ends in the middle of a chunk.")
    return _decoded(stored, chunk.scheme, chunk.length)


def _read_chunk_header(view: memoryview, at: int) -> tuple[int, int, int]:
    """`(scheme, stored length, length)` out of: version (1) | stored length (3, LE) | scheme (1) | length (3, LE)."""
    header = bytes(view[at : at + _HEADER_BYTES])
    if len(header) < _HEADER_BYTES:
        raise InvalidXorb("The xorb ends in the middle of a chunk header.")
    if header[0] != 0:
        raise InvalidXorb(f"The xorb holds a chunk of the unknown version {header[0]}.")
    stored_length, scheme = int.from_bytes(header[1:4], "little"), header[4]
    length = int.from_bytes(header[5:8], "little")
    if not length or not stored_length:
        raise InvalidXorb("The xorb holds an empty chunk.")
    if at + _HEADER_BYTES + stored_length > len(view):
        raise InvalidXorb("The xorb ends in the middle of a chunk.")
    return scheme, stored_length, length


def _decoded(stored: memoryview, scheme: int, length: int) -> bytes:
    if scheme == _PLAIN:
        if len(stored) != length:
            raise InvalidXorb("A chunk stored as it is has two lengths.")
        return bytes(stored)
    if scheme == _LZ4:
        return _decompressed(stored, length)
    if scheme == _GROUPED_LZ4:
        return _ungrouped(_decompressed(stored, length))
    raise InvalidXorb(f"The xorb holds a chunk of the unknown compression {scheme}.")


def _decompressed(stored: memoryview, length: int) -> bytes:
    """Exactly `length` bytes: decompression stops one byte later, whatever the frame holds."""
    reader = LZ4FrameDecompressor()
    try:
        plain: bytes = reader.decompress(stored, max_length=length + 1)
    except RuntimeError as error:
        raise InvalidXorb("A chunk is not a valid LZ4 frame.") from error
    if len(plain) != length or not reader.eof or reader.unused_data:
        raise InvalidXorb("A chunk does not decompress to the length it states.")
    return plain


def _ungrouped(grouped: bytes) -> bytes:
    """Undo the grouping of bytes by their position modulo 4."""
    plain = bytearray(len(grouped))
    at = 0
    for position in range(4):
        count = len(range(position, len(grouped), 4))
        plain[position::4] = grouped[at : at + count]
        at += count
    return bytes(plain)
