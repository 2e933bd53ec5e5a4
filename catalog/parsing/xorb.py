"""Xorbs: runs of compressed chunks, as a Xet client uploads them, believed only when every hash fits.

Source: the published Xet protocol specification; observed from hf_xet 1.8.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from lz4.frame import LZ4FrameDecompressor

from catalog.errors import InvalidXorb
from catalog.parsing.chunk_table import PLAIN, ChunkTable, TableBuilder, XorbChunk
from catalog.parsing.xet_hash import Tree, chunk_hash, hash_text

MOST_CONTENT_BYTES: Final = 64 * 1024**2  # uncompressed
MOST_CHUNKS: Final = 8192
MOST_CHUNK_BYTES: Final = 1024**2  # clients cut at 128 KiB
MOST_XORB_BYTES: Final = MOST_CONTENT_BYTES + 1024**2  # as sent: incompressible content plus headers and a footer
HEADER_BYTES: Final = 8
_FOOTER_MARK = b"XETBLOB"
_LZ4, _GROUPED_LZ4 = 1, 2


class XorbReader:
    """Checks a xorb while it arrives, each chunk decompressed and hashed once; it holds one chunk at most."""

    def __init__(self) -> None:
        self._table = TableBuilder()
        self._tree = Tree()
        self._part = b""  # the beginning of the chunk whose end has not come yet
        self._at = 0  # of that chunk in the xorb
        self._ended = False  # what follows is a footer

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes. Raises `InvalidXorb` as soon as something is wrong; the caller may reuse the buffer."""
        view = memoryview(data)
        while view and not self._ended:
            if self._part:  # complete this one chunk, then go on without copying
                missing = self._length_of(self._part) - len(self._part)
                self._part += view[:missing]
                view = view[missing:]
                if self._take(memoryview(self._part)):
                    self._part = b""
            else:
                self._part = bytes(view[self._take_whole(view) :])  # nothing once a footer was seen
                return

    def finish(self, expected_hash: str) -> ChunkTable:
        """The chunks. Raises `InvalidXorb`: it ends too early, or its content does not hash to `expected_hash`."""
        if self._part:
            raise InvalidXorb(_("The xorb ends in the middle of a chunk."))
        if not self._tree.size:
            raise InvalidXorb(_("The xorb has no chunks."))
        actual = hash_text(self._tree.root())
        if actual != expected_hash:
            raise InvalidXorb(_("The xorb hashes to %(actual)s, not to its name.") % {"actual": actual})
        return self._table.built()

    def _take_whole(self, view: memoryview) -> int:
        """Reads every chunk that is here in full; returns how many bytes they have."""
        at = 0
        while not self._ended and (taken := self._take(view[at:])):
            at += taken
        return at

    def _take(self, view: memoryview) -> int:
        """Reads one chunk from the start of `view`; returns its length, 0 when more bytes are needed."""
        if view[: len(_FOOTER_MARK)] == _FOOTER_MARK:
            self._ended = True
            return len(view)
        if len(view) < HEADER_BYTES or len(view) < (whole := HEADER_BYTES + _read_header(view)[0]):
            return 0
        _stored, scheme, length = _read_header(view)
        if len(self._table) == MOST_CHUNKS or self._tree.size + length > MOST_CONTENT_BYTES:
            raise InvalidXorb(
                _("A xorb may have at most %(most_chunks)s chunks and %(most_content_bytes)s bytes of content.")
                % {"most_chunks": MOST_CHUNKS, "most_content_bytes": MOST_CONTENT_BYTES}
            )
        digest = chunk_hash(_decoded(view[HEADER_BYTES:whole], scheme, length))
        self._table.add(XorbChunk(digest, self._at + HEADER_BYTES, whole - HEADER_BYTES, scheme, length))
        self._tree.add(digest, length)
        self._at += whole
        return whole

    @staticmethod
    def _length_of(view: bytes | memoryview) -> int:
        """How many bytes the chunk that begins here has, header included, as far as can be told."""
        return HEADER_BYTES + _read_header(view)[0] if len(view) >= HEADER_BYTES else HEADER_BYTES


def read_xorb(data: bytes | memoryview, expected_hash: str) -> ChunkTable:
    """The chunks of a whole xorb. Raises `InvalidXorb`."""
    if len(data) > MOST_XORB_BYTES:
        raise InvalidXorb(
            _("A xorb may have at most %(most_xorb_bytes)s bytes.") % {"most_xorb_bytes": MOST_XORB_BYTES}
        )
    reader = XorbReader()
    reader.feed(data)
    return reader.finish(expected_hash)


def chunk_bytes(data: bytes | memoryview, chunk: XorbChunk, *, start: int = 0) -> bytes | memoryview:
    """The content of one chunk of a xorb that was verified before.

    Args:
        data: bytes of the xorb from `start` on.

    Raises:
        InvalidXorb: the stored bytes are damaged.
    """
    at = chunk.offset - start
    stored = memoryview(data)[at : at + chunk.stored_length]
    if len(stored) != chunk.stored_length:
        raise InvalidXorb(_("The xorb ends in the middle of a chunk."))
    return _decoded(stored, chunk.scheme, chunk.length)


def plain_header(length: int) -> bytes:
    """What precedes a chunk that is stored as it is."""
    return bytes([0, *length.to_bytes(3, "little"), PLAIN, *length.to_bytes(3, "little")])


def _read_header(view: bytes | memoryview) -> tuple[int, int, int]:
    """`(stored length, scheme, length)` out of: version (1) | stored length (3, LE) | scheme (1) | length (3, LE)."""
    if view[0] != 0:
        raise InvalidXorb(_("The xorb holds a chunk of the unknown version %(value)s.") % {"value": view[0]})
    stored_length, scheme = int.from_bytes(view[1:4], "little"), view[4]
    length = int.from_bytes(view[5:8], "little")
    if not length or not stored_length:
        raise InvalidXorb(_("The xorb holds an empty chunk."))
    if length > MOST_CHUNK_BYTES or stored_length > 2 * MOST_CHUNK_BYTES:
        raise InvalidXorb(
            _("A chunk may have at most %(most_chunk_bytes)s bytes.") % {"most_chunk_bytes": MOST_CHUNK_BYTES}
        )
    return stored_length, scheme, length


def _decoded(stored: memoryview, scheme: int, length: int) -> bytes | memoryview:
    if scheme == PLAIN:
        if len(stored) != length:
            raise InvalidXorb(_("A chunk stored as it is has two lengths."))
        return stored
    if scheme == _LZ4:
        return _decompressed(stored, length)
    if scheme == _GROUPED_LZ4:
        return _ungrouped(_decompressed(stored, length))
    raise InvalidXorb(_("The xorb holds a chunk of the unknown compression %(scheme)s.") % {"scheme": scheme})


def _decompressed(stored: memoryview, length: int) -> bytes:
    """Exactly `length` bytes: decompression stops one byte later, whatever the frame holds."""
    reader = LZ4FrameDecompressor()
    try:
        plain: bytes = reader.decompress(stored, max_length=length + 1)
    except RuntimeError as error:
        raise InvalidXorb(_("A chunk is not a valid LZ4 frame.")) from error
    if len(plain) != length or not reader.eof or reader.unused_data:
        raise InvalidXorb(_("A chunk does not decompress to the length it states."))
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
