"""Tables for what a pack holds, in plain memory: a push may bring hundreds of thousands of objects.

As Python objects in dictionaries each costs several hundred bytes, here some fifty.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final, NamedTuple

ID_BYTES: Final = 20
NONE: Final = 2**32 - 1  # where a number would stand
_FEWEST_SLOTS: Final = 64


class NameTable:
    """Binary git ids, numbered from 0 in the order they came."""

    def __init__(self) -> None:
        self._names = bytearray()
        self._slots = array("I", [NONE]) * _FEWEST_SLOTS

    def __len__(self) -> int:
        return len(self._names) // ID_BYTES

    def name(self, number: int) -> bytes:
        return bytes(self._names[number * ID_BYTES : (number + 1) * ID_BYTES])

    def number(self, name: bytes) -> int | None:
        number = self._slots[self._slot(name)]
        return None if number == NONE else number

    def add(self, name: bytes) -> int:
        """Returns its number, which it may have had already."""
        slot = self._slot(name)
        number = self._slots[slot]
        if number != NONE:
            return number
        self._slots[slot] = number = len(self)
        self._names += name
        if 3 * len(self) > 2 * len(self._slots):
            self._grow()
        return number

    @property
    def held_bytes(self) -> int:
        return len(self._names) + self._slots.itemsize * len(self._slots)

    def _slot(self, name: bytes) -> int:
        """Where the number of this name stands or would stand.

        By Python's own hash, whose key no sender knows: with the first bytes of the id somebody could make all
        objects of a push meet in one place.
        """
        last = len(self._slots) - 1  # their number is a power of two
        slot = hash(name) & last
        while (number := self._slots[slot]) != NONE:
            at = number * ID_BYTES
            if self._names[at : at + ID_BYTES] == name:
                break
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        self._slots = array("I", [NONE]) * (2 * len(self._slots))
        for number in range(len(self)):
            self._slots[self._slot(self.name(number))] = number


class Found(NamedTuple):
    """One object of the pack and where its content lies."""

    kind: int
    size: int
    at: int  # of its deflated bytes in the pack, or of its plain bytes among those worked out
    is_worked_out: bool


class ObjectTable:
    """Objects by their binary ids."""

    _WORKED_OUT: Final = 0x80  # beside the kind

    def __init__(self) -> None:
        self._names = NameTable()
        self._kinds = bytearray()
        self._sizes = array("Q")
        self._places = array("Q")

    def __len__(self) -> int:
        return len(self._kinds)

    def __contains__(self, oid: bytes) -> bool:
        return self._names.number(oid) is not None

    def __getitem__(self, oid: bytes) -> Found:
        found = self.get(oid)
        if found is None:
            raise KeyError(oid)
        return found

    def get(self, oid: bytes) -> Found | None:
        number = self._names.number(oid)
        return None if number is None else self.numbered(number)

    def items(self) -> Iterator[tuple[bytes, Found]]:
        """In the order they came."""
        return ((self.name(number), self.numbered(number)) for number in range(len(self)))

    def of_kind(self, kind: int) -> Iterator[bytes]:
        """Ids, in the order they came."""
        return (self.name(number) for number in range(len(self)) if self._kinds[number] & ~self._WORKED_OUT == kind)

    def number(self, oid: bytes) -> int | None:
        return self._names.number(oid)

    def name(self, number: int) -> bytes:
        return self._names.name(number)

    def numbered(self, number: int) -> Found:
        kind = self._kinds[number]
        return Found(kind & ~self._WORKED_OUT, self._sizes[number], self._places[number], bool(kind & self._WORKED_OUT))

    def add(self, oid: bytes, found: Found) -> int:
        """Returns its number; what is known under this id already stays as it is."""
        number = self._names.add(oid)
        if number == len(self):
            self._kinds.append(found.kind | (self._WORKED_OUT if found.is_worked_out else 0))
            self._sizes.append(found.size)
            self._places.append(found.at)
        return number

    @property
    def held_bytes(self) -> int:
        places = self._sizes.itemsize * len(self._sizes) + self._places.itemsize * len(self._places)
        return self._names.held_bytes + len(self._kinds) + places


class Delta(NamedTuple):
    """Instructions that lead from another object to this one."""

    size: int
    at: int  # of their deflated bytes in the pack


class EntryTable:
    """The entries of a pack, numbered in the order they stand there, and which deltas wait for which other entry."""

    def __init__(self) -> None:
        self.waiting = 0  # deltas whose base was not taken yet
        self._offsets = array("Q")
        self._objects = array("I")  # numbers in an `ObjectTable`; NONE: of a delta, not worked out yet
        self._delta_sizes = array("I")
        self._header_bytes = bytearray()
        self._first = array("I")  # of the deltas that wait for this entry
        self._next = array("I")  # that waits for the same as this one
        self._first_on_name: dict[bytes, int] = {}  # few: our own answers make git name bases by their place

    def __len__(self) -> int:
        return len(self._offsets)

    def at_offset(self, offset: int) -> int | None:
        """Returns the number of the entry that begins there."""
        number = bisect_left(self._offsets, offset)
        return number if number < len(self) and self._offsets[number] == offset else None

    def add(self, offset: int, object_number: int, *, header_bytes: int = 0, delta_size: int = 0) -> int:
        """Append an entry, which lies behind all others; returns its number."""
        self._offsets.append(offset)
        self._objects.append(object_number)
        self._header_bytes.append(header_bytes)
        self._delta_sizes.append(delta_size)
        self._first.append(NONE)
        self._next.append(NONE)
        return len(self) - 1

    def add_delta(self, offset: int, delta: Delta, base: int | bytes) -> None:
        """Append a delta that waits for an entry by its number, or for an object by its id."""
        number = self.add(offset, NONE, header_bytes=delta.at - offset, delta_size=delta.size)
        self.waiting += 1
        if isinstance(base, int):
            self._next[number], self._first[base] = self._first[base], number
        else:
            self._next[number] = self._first_on_name.get(base, NONE)
            self._first_on_name[base] = number

    def delta(self, number: int) -> Delta:
        return Delta(self._delta_sizes[number], self._offsets[number] + self._header_bytes[number])

    def object_of(self, number: int) -> int:
        return self._objects[number]

    def worked_out(self, number: int, object_number: int) -> None:
        self._objects[number] = object_number

    def take(self, base: int, name: bytes) -> list[int]:
        """Returns the deltas that wait for this entry or for an object of its name; they wait no more."""
        taken: list[int] = []
        for first in (self._first[base], self._first_on_name.pop(name, NONE)):
            number = first
            while number != NONE:
                taken.append(number)
                number = self._next[number]
        self._first[base] = NONE
        self.waiting -= len(taken)
        return taken
