"""Git's deltas: one object told as copies from another and new bytes.

Source: git's Documentation/gitformat-pack, "Deltified representation".
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog.errors import BadInput

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
