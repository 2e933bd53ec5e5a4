"""Characters that must not hide in names, because people cannot see them."""

from __future__ import annotations

import unicodedata

# Blank or ignorable, yet classed as letters or marks: Hangul fillers, grapheme joiner, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
_VARIATION_SELECTORS = frozenset(
    chr(code)
    for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
    for code in range(first, last + 1)
)
# Format characters that are drawn: Arabic, Syriac and Kaithi number and verse signs.
_VISIBLE_FORMAT = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")


def is_control(char: str) -> bool:
    """C0, DEL and C1."""
    return unicodedata.category(char) == "Cc"


def is_invisible(char: str) -> bool:
    """Bidi and zero-width controls, soft hyphen, tags, line separators: what works on text unseen."""
    return unicodedata.category(char) in {"Cf", "Zl", "Zp"} and char not in _VISIBLE_FORMAT


def is_ignorable(char: str) -> bool:
    """Characters that a file system may drop when it compares names (a superset, on purpose)."""
    return is_invisible(char) or char in _BLANK or char in _VARIATION_SELECTORS
