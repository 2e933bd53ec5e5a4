"""Changed files as a page shows them: what changed, and where it is text, line by line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from catalog.models import TreeEntry
from catalog.parsing import unified
from catalog.queries.changes import Change
from catalog.stores import blob_store

LINES_SHOWN: Final = 400  # of one difference
MOST_COMPARED_BYTES: Final = 2 * 1024**2  # on one page
_KINDS: Final = {"+": "add", "-": "del", "@": "hunk"}


@dataclass(frozen=True)
class Line:
    """One line of a difference; `kind` is a class of the style sheet."""

    kind: str
    text: str


@dataclass(frozen=True)
class ShownChange:
    """One changed file, its difference when it is text."""

    change: Change
    href: str
    lines: list[Line] | None
    is_cut: bool


def shown_changes(changes: list[Change], href: Callable[[str], str], *, with_text: bool) -> list[ShownChange]:
    """Returns the changes as shown; once much was compared, the rest comes without its lines.

    Args:
        href: from a path to the address of the file.
        with_text: whether this reader may have what the files hold.
    """
    shown, compared = [], 0
    for change in changes:
        compared += change.comparable_bytes
        has_text = with_text and compared <= MOST_COMPARED_BYTES
        shown.append(_shown(change, href(change.path), with_text=has_text))
    return shown


def _shown(change: Change, href: str, *, with_text: bool) -> ShownChange:
    texts = [_text_of(side) if with_text else None for side in (change.before, change.after)]
    if None in texts:
        return ShownChange(change, href, None, is_cut=False)
    rows = unified.hunks(texts[0] or "", texts[1] or "")
    lines = [Line(_KINDS.get(row[:1], ""), row) for row, _number in zip(rows, range(LINES_SHOWN + 1), strict=False)]
    return ShownChange(change, href, lines[:LINES_SHOWN], is_cut=len(lines) > LINES_SHOWN)


def _text_of(entry: TreeEntry | None) -> str | None:
    """The file as text; "" where there is none; None when it is large or not text."""
    if entry is None:
        return ""
    if entry.is_lfs or entry.blob is None or entry.size > unified.LONGEST_COMPARED_BYTES:
        return None
    return unified.comparable(blob_store().read_range(entry.blob.sha256, 0, entry.size) if entry.size else b"")
