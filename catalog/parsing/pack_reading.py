"""Packs as git pushes them, read from a file with bounded memory and believed in nothing.

Every object is inflated once to find its end, its size and its id; those that are told as deltas are worked
out one after another and kept in a second file, so that no chain, however long, is held in memory.
Source: git's Documentation/gitformat-pack.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

from django.utils.translation import gettext as _

from catalog.errors import BadInput, TooLarge
from catalog.parsing.git_delta import apply_delta, read_size
from catalog.parsing.pack_tables import NONE, Delta, EntryTable, Found, ObjectTable

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
KIND_NAMES: Final = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}
_OFFSET_DELTA, _NAMED_DELTA = 6, 7
_HEADER_BYTES, _TRAILER_BYTES = 12, 20
_LONGEST_ENTRY_HEADER: Final = 64
_WINDOW_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """How much of one pack is looked at."""

    objects: int
    inflated_bytes: int  # of all objects together, and again of those worked out from deltas
    object_bytes: int  # of one object in memory


class Pack:
    """The objects of one pack by their binary ids.

    Objects larger than `Limits.object_bytes` have an id and a size but no content here; what was built on such a
    one is missing, which `has_unread` tells.
    """

    def __init__(self, pack: BinaryIO, worked_out: BinaryIO, limits: Limits) -> None:
        self.objects = ObjectTable()
        self.has_unread = False
        self._pack, self._worked_out, self._limits = pack.fileno(), worked_out, limits
        self._end = os.fstat(self._pack).st_size - _TRAILER_BYTES
        self._inflated = 0
        self._entries = EntryTable()

    @classmethod
    def read(cls, pack: BinaryIO, worked_out: BinaryIO, limits: Limits) -> Self:
        """Finds all objects.

        Args:
            pack: a whole pack in a real file.
            worked_out: an empty real file to keep objects in that came as deltas.

        Raises:
            BadInput: the pack is malformed, lies about a length, or builds on objects that are not in it.
            TooLarge: more than the limits allow.
        """
        reader = cls(pack, worked_out, limits)
        reader._find()
        reader._work_out()
        reader._entries = EntryTable()  # objects are told by their names from here on
        return reader

    def content(self, oid: bytes) -> bytes:
        """The bytes of an object. Raises `KeyError` when it is not here, `TooLarge` when it is too large to hold."""
        return self._content(self.objects[oid])

    def _content(self, found: Found) -> bytes:
        if found.size > self._limits.object_bytes:
            raise TooLarge
        if found.is_worked_out:
            return os.pread(self._worked_out.fileno(), found.size, found.at)
        return self._inflated_at(found.at, found.size)

    def _find(self) -> None:
        head = os.pread(self._pack, _HEADER_BYTES, 0)
        if len(head) < _HEADER_BYTES or head[:4] != b"PACK" or head[4:8] not in (b"\0\0\0\2", b"\0\0\0\3"):
            raise BadInput(_("The request does not hold a pack that this server can read."))
        count = int.from_bytes(head[8:], "big")
        if count > self._limits.objects:
            raise TooLarge(
                _("A push may bring at most %(objects)s objects; push in smaller steps.")
                % {"objects": self._limits.objects}
            )
        self._check_sum()
        at = _HEADER_BYTES
        for _index in range(count):
            at = self._find_entry(at)
        if at != self._end:
            raise BadInput(_("The pack does not end where its objects end."))

    def _check_sum(self) -> None:
        found, at = hashlib.sha1(usedforsecurity=False), 0
        while at < self._end and (piece := os.pread(self._pack, min(1 << 20, self._end - at), at)):
            found.update(piece)
            at += len(piece)
        if os.pread(self._pack, _TRAILER_BYTES, max(0, self._end)) != found.digest():
            raise BadInput(_("The pack does not hash to its own checksum; it did not arrive in full."))

    def _find_entry(self, offset: int) -> int:
        head = os.pread(self._pack, max(0, min(_LONGEST_ENTRY_HEADER, self._end - offset)), offset)
        kind, size, length = _entry_header(head)
        if kind in KIND_NAMES:
            end, oid = self._named(kind, size, offset + length)
            found = Found(kind, size, offset + length, is_worked_out=False)
            self._entries.add(offset, self.objects.add(oid, found))
            return end
        base: int | bytes | None
        if kind == _OFFSET_DELTA:
            back, length = _back_offset(head, length)
            base = self._entries.at_offset(offset - back)
        elif kind == _NAMED_DELTA:
            base = head[length : length + 20]
            length += 20
        else:
            raise BadInput(_("The pack holds an object of an unknown kind."))
        if size > self._limits.object_bytes:
            raise TooLarge(_("An object in the pack is larger than this server can work on; use git lfs."))
        if base is None:
            raise _baseless()
        self._entries.add_delta(offset, Delta(size, offset + length), base)
        return self._pass_over(offset + length, size, _ignore)

    def _named(self, kind: int, size: int, at: int) -> tuple[int, bytes]:
        name = hashlib.sha1(b"%b %d\0" % (KIND_NAMES[kind].encode(), size), usedforsecurity=False)
        end = self._pass_over(at, size, name.update)
        return end, name.digest()

    def _work_out(self) -> None:
        """Bases first, then what is built on them; each base is read once and dropped."""
        for number in range(len(self._entries)):
            ready = [number]
            while ready:
                ready += self._build_upon(ready.pop())
        if self._entries.waiting and not self.has_unread:
            raise _baseless()

    def _build_upon(self, entry: int) -> list[int]:
        """Works out the deltas upon one entry; returns their entries."""
        number = self._entries.object_of(entry)
        if number == NONE:  # a delta itself, whose base comes later
            return []
        base, deltas = self.objects.numbered(number), self._entries.take(entry, self.objects.name(number))
        if deltas and base.size > self._limits.object_bytes:
            self.has_unread = True
            return []
        content = self._content(base) if deltas else b""
        for delta in deltas:
            self._entries.worked_out(delta, self._keep(base.kind, content, self._entries.delta(delta)))
        return deltas

    def _keep(self, kind: int, base: bytes, delta: Delta) -> int:
        instructions = self._inflated_at(delta.at, delta.size)
        content = apply_delta(base, instructions, most_bytes=self._limits.object_bytes)
        name = hashlib.sha1(b"%b %d\0" % (KIND_NAMES[kind].encode(), len(content)), usedforsecurity=False)
        name.update(content)
        oid = name.digest()
        known = self.objects.number(oid)
        if known is not None:
            return known
        at = self._worked_out.seek(0, os.SEEK_END)
        if at + len(content) > self._limits.inflated_bytes:
            raise TooLarge(_("The push is too large; push in smaller steps."))
        self._worked_out.write(content)
        self._worked_out.flush()
        return self.objects.add(oid, Found(kind, len(content), at, is_worked_out=True))

    def _inflated_at(self, at: int, size: int) -> bytes:
        content = bytearray()
        for piece in self._inflate(at, size):
            content += piece
        return bytes(content)

    def _pass_over(self, at: int, size: int, sink: Callable[[bytes], object]) -> int:
        """Returns where the deflated bytes end; counts what came out of them."""
        self._inflated += size
        if self._inflated > self._limits.inflated_bytes:
            raise TooLarge(_("The push is too large; push in smaller steps, and large files by git lfs."))
        inflation = self._inflate(at, size)
        while True:
            try:
                sink(next(inflation))
            except StopIteration as done:
                return int(done.value)

    def _inflate(self, at: int, size: int) -> Generator[bytes, None, int]:
        """Yields at most `size` bytes; its value is where the deflated bytes end."""
        inflater, made, rest = zlib.decompressobj(), 0, b""
        while not inflater.eof:
            if not rest:
                rest = os.pread(self._pack, min(_WINDOW_BYTES, size - made + 64, max(0, self._end - at)), at)
                at += len(rest)
            if not rest:
                raise BadInput(_("The pack ends in the middle of an object."))
            try:
                piece = inflater.decompress(rest, _WINDOW_BYTES)
            except zlib.error:
                raise BadInput(_("An object in the pack is not deflated properly.")) from None
            rest = inflater.unconsumed_tail
            made += len(piece)
            if made > size:
                raise BadInput(_("An object in the pack is longer than it says."))
            yield piece
        if made != size:
            raise BadInput(_("An object in the pack is shorter than it says."))
        return at - len(inflater.unused_data)


def _entry_header(head: bytes) -> tuple[int, int, int]:
    """Kind, size, and the length of the header: the first byte holds the kind and four bits of the size."""
    if not head:
        raise BadInput(_("The pack ends before its last object."))
    kind, size, shift, at = (head[0] >> 4) & 7, head[0] & 15, 4, 1
    if head[0] & 0x80:
        more, at = read_size(head, 1)
        size |= more << shift
    return kind, size, at


def _back_offset(head: bytes, at: int) -> tuple[int, int]:
    """How far back the base lies, and where the number ends: seven bits at a time, highest first."""
    value = -1
    while True:
        if at >= len(head) or value >= 1 << 50:
            raise BadInput(_("A number in the pack is malformed."))
        value = ((value + 1) << 7) | (head[at] & 0x7F)
        at += 1
        if not head[at - 1] & 0x80:
            return value, at


def _baseless() -> BadInput:
    return BadInput(_("The pack builds on objects that are not in it."))


def _ignore(piece: bytes) -> None:
    """For what is only passed over."""
