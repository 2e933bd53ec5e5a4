"""Differences of texts in git's unified form."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LONGEST_COMPARED_BYTES: Final = 64 * 1024  # of one side
MOST_COMPARED_LINES: Final = 4000  # of one side: comparing costs more than their number
NO_OBJECT: Final = "0" * 40
_CONTEXT: Final = 3


@dataclass(frozen=True)
class Side:
    """A file on one side of a difference; `text` is None where it is large or no text."""

    mode: int
    oid: str
    text: str | None


def patch(path: str, before: Side | None, after: Side | None) -> str:
    """Returns what `git diff` says of one file, newline at its end."""
    return "\n".join([*_header(path, before, after), *_body(path, before, after)]) + "\n"


def hunks(before: str, after: str) -> Iterator[str]:
    """Yields the lines of a difference, without the two that name the files; "" on one side is no file there."""
    old, new = _lines(before), _lines(after)
    if max(len(old), len(new)) > MOST_COMPARED_LINES:
        return
    for number, row in enumerate(difflib.unified_diff(old, new, n=_CONTEXT)):
        if number > 1:
            yield row.removesuffix("\n")
            if not row.endswith("\n"):
                yield "\\ No newline at end of file"


def comparable(data: bytes) -> str | None:
    """Returns the text of a file that can be compared, else None."""
    if len(data) > LONGEST_COMPARED_BYTES or b"\0" in data:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _lines(text: str) -> list[str]:
    """Only a line feed ends a line for git; `splitlines` knows many more."""
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def _header(path: str, before: Side | None, after: Side | None) -> Iterator[str]:
    yield f"diff --git a/{path} b/{path}"
    old, new = before.oid[:7] if before else NO_OBJECT[:7], after.oid[:7] if after else NO_OBJECT[:7]
    if before is None and after is not None:
        yield f"new file mode {after.mode:o}"
    elif after is None and before is not None:
        yield f"deleted file mode {before.mode:o}"
    elif before is not None and after is not None and before.mode != after.mode:
        yield f"old mode {before.mode:o}"
        yield f"new mode {after.mode:o}"
    if old != new:
        same_mode = before is not None and after is not None and before.mode == after.mode
        yield f"index {old}..{new}" + (f" {before.mode:o}" if same_mode and before else "")


def _body(path: str, before: Side | None, after: Side | None) -> Iterator[str]:
    old, new = before.text if before else "", after.text if after else ""
    names = f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null"
    if old == new and old is not None:
        return
    if old is None or new is None:
        yield f"Binary files {names[0]} and {names[1]} differ"
        return
    yield f"--- {names[0]}"
    yield f"+++ {names[1]}"
    yield from hunks(old, new)
