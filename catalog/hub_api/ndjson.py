"""The body of a commit, read as it arrives: one JSON object a line, file contents as base64 inside.

A line may be as long as a file, so only its beginning and its end are ever held; the base64 between
goes to the store piece by piece. Source of the layout: huggingface_hub 2.4.0, `_commit_api.py`.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadInput, TooLarge
from catalog.hub_api.bodies import MIB, Json, parsed_object
from catalog.models import Blob

LONGEST_LINE: Final = MIB  # bytes, base64 of a file aside
MOST_LINES: Final = 25_001  # the header and 25 000 operations (security 1.5)
_CONTENT = re.compile(rb'(?<!\\)"content"\s*:\s*"')

Keep = Callable[[Iterator[bytes]], Blob]


@dataclass(frozen=True)
class Operation:
    """One line: what to do, and the bytes it brought, small ones in memory, large ones stored already."""

    key: str
    value: Json
    content: bytes | None = None
    blob: Blob | None = None


class Operations:
    """Iterates over the lines of a body.

    Args:
        pieces: the body as it comes in.
        keep: stores the content of a long line, which it must read to its end.
    """

    def __init__(self, pieces: Iterator[bytes], keep: Keep) -> None:
        self._pieces = pieces
        self._keep = keep
        self._buffer = bytearray()

    def __iter__(self) -> Iterator[Operation]:
        """Raises: BadInput, TooLarge."""
        count = 0
        while (operation := self._next()) is not None:
            count += 1
            if count > MOST_LINES:
                raise TooLarge(_("a commit may have at most %(value)s operations") % {"value": MOST_LINES - 1})
            yield operation

    def _next(self) -> Operation | None:
        while True:
            end = self._end_of_line()
            if end is None:
                return self._long_line()
            line = bytes(self._taken(end)).strip()
            if line:
                return _short_line(line)
            if not self._buffer and not self._fill():
                return None

    def _end_of_line(self) -> int | None:
        """Returns where the line ends, its newline included; None when it is a long one."""
        searched = 0
        while True:
            found = self._buffer.find(b"\n", searched)
            if found >= 0:
                return found + 1
            searched = len(self._buffer)
            if searched > LONGEST_LINE:
                return None
            if not self._fill():
                return searched

    def _long_line(self) -> Operation:
        start = _CONTENT.search(self._buffer, 0, LONGEST_LINE)
        if start is None:
            raise TooLarge(
                _("a line may have at most %(longest_line)s bytes besides the content of a file")
                % {"longest_line": LONGEST_LINE}
            )
        head = bytes(self._taken(start.end()))
        blob = self._keep(self._decoded())
        end = self._end_of_line()
        if end is None:
            raise TooLarge(
                _("a line may have at most %(longest_line)s bytes besides the content of a file")
                % {"longest_line": LONGEST_LINE}
            )
        key, value = _key_and_value(head + bytes(self._taken(end)))
        _check_encoding(key, value)
        return Operation(key, value, blob=blob)

    def _decoded(self) -> Iterator[bytes]:
        """Yields the file whose base64 stands at the start of the buffer, and leaves its closing quote there."""
        rest, is_padded = b"", False
        while True:
            if not self._buffer and not self._fill():
                raise BadInput(_("the body ends in the middle of a file"))
            quote = self._buffer.find(b'"')
            text = rest + bytes(self._taken(len(self._buffer) if quote < 0 else quote))
            text = text.replace(b"\\/", b"/")
            whole = len(text) if quote >= 0 else len(text) - len(text) % 4 if b"\\" not in text[-1:] else 0
            if is_padded and text:
                raise BadInput(_("the content of a file is not valid base64"))
            is_padded = text[:whole].endswith(b"=")
            yield _from_base64(text[:whole])
            rest = text[whole:]
            if quote >= 0:
                return

    def _fill(self) -> bool:
        piece = next(self._pieces, b"")
        self._buffer += piece
        return bool(piece)

    def _taken(self, size: int) -> bytearray:
        taken = self._buffer[:size]
        del self._buffer[:size]
        return taken


def _short_line(line: bytes) -> Operation:
    key, value = _key_and_value(line)
    if key != "file":
        return Operation(key, value)
    _check_encoding(key, value)
    content = value.pop("content", None)
    if not isinstance(content, str):
        raise BadInput(_("a file needs 'content'"))
    try:
        return Operation(key, value, content=_from_base64(content.encode("ascii")))
    except UnicodeEncodeError:
        raise BadInput(_("the content of a file is not valid base64")) from None


def _key_and_value(line: bytes) -> tuple[str, Json]:
    parsed = parsed_object(line)
    key, value = parsed.get("key"), parsed.get("value")
    if not isinstance(key, str) or not isinstance(value, dict):
        raise BadInput(_('every line must be {"key": …, "value": {…}}'))
    return key, value


def _check_encoding(key: str, value: Json) -> None:
    if key != "file":
        raise BadInput(_("only a file may have content"))
    if value.get("encoding", "base64") != "base64":
        raise BadInput(_("the encoding of a file must be base64"))


def _from_base64(text: bytes) -> bytes:
    try:
        if len(text) % 4 == 0:  # strict mode overlooks padding after a whole group
            return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        pass
    raise BadInput(_("the content of a file is not valid base64"))
