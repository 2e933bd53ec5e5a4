"""Git's pkt-lines: pieces of a stream, each behind its length in four hex digits.

Source: git's Documentation/gitprotocol-common.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final, Protocol

from django.utils.translation import gettext as _

from catalog.errors import BadInput

LONGEST_PACKET_BYTES: Final = 65520  # its length included
FLUSH: Final = b"0000"
DELIMITER: Final = b"0001"


class Marker(Enum):
    """Packets without content."""

    FLUSH = 0
    DELIMITER = 1
    RESPONSE_END = 2


class Reader(Protocol):
    """A stream that returns fewer bytes than asked for only at its end."""

    def read(self, size: int, /) -> bytes: ...


class Band(Enum):
    """What a packet of an answer with side bands is about."""

    DATA = 1
    PROGRESS = 2
    ERROR = 3


def packet(content: bytes | str) -> bytes:
    """One packet; text is sent as UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    if len(data) > LONGEST_PACKET_BYTES - 4:
        raise ValueError("the content is too long for one packet")
    return b"%04x%b" % (len(data) + 4, data)


def banded(band: Band, chunks: Iterable[bytes], packet_bytes: int = LONGEST_PACKET_BYTES) -> Iterator[bytes]:
    """Packets that carry a stream on one band, each at most `packet_bytes` long."""
    room = packet_bytes - 5
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        if len(waiting) >= room:
            whole = len(waiting) - len(waiting) % room
            yield b"".join([_on_band(band, waiting[at : at + room]) for at in range(0, whole, room)])
            del waiting[:whole]
    if waiting:
        yield _on_band(band, waiting)


def read_packet(source: Reader) -> bytes | Marker | None:
    """The content of the next packet, a marker, or None where the stream ends between packets.

    Raises:
        BadInput: the bytes are no packet, or the stream ends inside one.
    """
    head = source.read(4)
    if not head:
        return None
    if len(head) < 4 or head.strip(b"0123456789abcdefABCDEF"):
        raise BadInput(_("The request is not in git's pkt-line format."))
    length = int(head, 16)
    if length in (0, 1, 2):
        return Marker(length)
    if length < 4 or length > LONGEST_PACKET_BYTES:
        raise BadInput(_("A pkt-line of the request has an impossible length."))
    content = source.read(length - 4)
    if len(content) < length - 4:
        raise BadInput(_("The request ends in the middle of a pkt-line."))
    return content


def read_section(source: Reader, *, most_bytes: int) -> list[bytes]:
    """The packets up to the next marker or the end of the stream, line ends removed; the marker is consumed.

    Raises:
        BadInput: as `read_packet`, or there are more bytes than allowed.
    """
    lines: list[bytes] = []
    room = most_bytes
    while isinstance(line := read_packet(source), bytes):
        room -= len(line) + 4
        if room < 0:
            raise BadInput(_("The request is longer than this server accepts."))
        lines.append(line.removesuffix(b"\n"))
    return lines


def _on_band(band: Band, piece: bytearray) -> bytes:
    return b"%04x%c%b" % (len(piece) + 5, band.value, bytes(piece))
