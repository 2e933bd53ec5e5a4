"""Git's deltas: one object told as copies from another and new bytes.

Source: git's Documentation/gitformat-pack, "Deltified representation".
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadInput

LONGEST_INSERT: Final = 127
LONGEST_COPY: Final = 0xFFFFFF
_COPIES_MOST = 0x10000  # what a copy of length 0 means


def apply_delta(base: bytes, delta: bytes, *, most_bytes: int) -> bytes:
    """The object a delta describes.

    Args:
        most_bytes: longer results are refused before they are made.

    Raises:
        BadInput: the delta is malformed, made for another base, or says too much.
    """
    base_size, at = read_size(delta, 0)
    size, at = read_size(delta, at)
    if base_size != len(base):
        raise BadInput(_("A delta in the pack was made for another object."))
    if size > most_bytes:
        raise BadInput(_("A delta in the pack makes an object that is too large."))
    result = bytearray()
    while at < len(delta):
        command = delta[at]
        at += 1
        if command & 0x80:
            start, length, at = _copy(command, delta, at)
            piece = base[start : start + length]
        elif command:
            piece, length = delta[at : at + command], command
            at += command
        else:
            raise BadInput(_("A delta in the pack uses a reserved instruction."))
        if len(piece) < length or len(result) + length > size:
            raise BadInput(_("A delta in the pack reaches beyond its ends."))
        result += piece
    if len(result) != size:
        raise BadInput(_("A delta in the pack makes another size than it says."))
    return bytes(result)


def delta_between(rows: Sequence[bytes], old: Sequence[int], new: Sequence[int]) -> bytes:
    """The delta that leads from some of these rows, joined, to others of them; both in ascending order."""
    ends = list(accumulate(len(rows[index]) for index in old))
    starts = dict(zip(old, [0, *ends], strict=False))
    commands: list[bytes] = [_size_bytes(ends[-1] if ends else 0), _size_bytes(sum(len(rows[index]) for index in new))]
    copied, end, fresh = 0, 0, bytearray()  # what is copied next, from here to there, and what is put in after it
    for index in new:
        start = starts.get(index)
        if start is None:
            fresh += rows[index]
            continue
        if fresh or start != end:
            commands += [*_copies(copied, end), *_inserts(fresh)]
            copied, fresh = start, bytearray()
        end = start + len(rows[index])
    return b"".join([*commands, *_copies(copied, end), *_inserts(fresh)])


def read_size(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and where it ends."""
    value, shift = 0, 0
    while True:
        if at >= len(data) or shift > 56:
            raise BadInput(_("A number in the pack is malformed."))
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def _copy(command: int, delta: bytes, at: int) -> tuple[int, int, int]:
    """Where to copy from, how much, and where the instruction ends: each set bit says that one byte follows."""
    values = [0] * 7
    for bit in range(7):
        if command & (1 << bit):
            if at >= len(delta):
                raise BadInput(_("A delta in the pack ends inside an instruction."))
            values[bit] = delta[at]
            at += 1
    start = int.from_bytes(bytes(values[:4]), "little")
    length = int.from_bytes(bytes(values[4:]), "little") or _COPIES_MOST
    return start, length, at


def _size_bytes(size: int) -> bytes:
    groups = bytearray([size & 0x7F])
    while size := size >> 7:
        groups[-1] |= 0x80
        groups.append(size & 0x7F)
    return bytes(groups)


def _copies(start: int, end: int) -> list[bytes]:
    return [_copy_command(at, min(LONGEST_COPY, end - at)) for at in range(start, end, LONGEST_COPY)]


def _copy_command(start: int, length: int) -> bytes:
    """Only bytes that are not 0 are written; bits of the first one say which."""
    bits, written = 0x80, bytearray()
    for position, byte in enumerate(start.to_bytes(4, "little") + length.to_bytes(3, "little")):
        if byte:
            bits |= 1 << position
            written.append(byte)
    return bytes([bits]) + written


def _inserts(data: bytearray) -> list[bytes]:
    pieces = (data[at : at + LONGEST_INSERT] for at in range(0, len(data), LONGEST_INSERT))
    return [bytes([len(piece)]) + piece for piece in pieces]
