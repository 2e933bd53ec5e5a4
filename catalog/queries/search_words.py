"""Words, as search sees them: what a text and a question must share to meet.

Pure functions. Folding makes different spellings equal (case, width, Latin accents, Traditional and
Simplified characters); splitting turns text into tokens whose order is kept. A run of CJK characters,
which has no spaces to split at, becomes overlapping pairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Final

from opencc import OpenCC

LONGEST_TOKEN: Final = 96  # characters; as long as a name may be

_CJK = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
)
_RUNS = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_ACCENTS = re.compile("[\u0300-\u036f]+")  # of Latin, Greek and Cyrillic; other scripts keep their marks
# Letters that Unicode does not take apart into a base and a mark.
_STROKES: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)


def fold(text: str) -> str:
    """Returns the spelling under which text is indexed and searched: `Łódź` and `lodz` are one."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", wide))
    return _HAN.sub(lambda match: _simplified(match[0]), unicodedata.normalize("NFC", bare).translate(_STROKES))


def document_tokens(text: str) -> Iterator[str]:
    """Yields the tokens of a text, in order. `情感分類` gives 情感, 感分, 分类, 类."""
    for match in _RUNS.finditer(fold(text)):
        run = match[0]
        if is_cjk(run):
            yield from (run[start : start + 2] for start in range(len(run)))
        else:
            yield run[:LONGEST_TOKEN]


def question_tokens(word: str) -> list[str]:
    """Returns what must stand in this order, side by side, in a text that holds `word`."""
    found = list(document_tokens(word))
    if len(found) > 1 and is_cjk(found[-1]) and is_cjk(found[-2]):
        found.pop()  # the single last character: in the text the run may go on
    return found


def endings(token: str) -> Iterator[str]:
    """Yields every suffix: a prefix of one of them is a substring of the token."""
    return (token[start:] for start in range(len(token)))


def is_cjk(token: str) -> bool:
    return bool(re.match(f"[{_CJK}]", token))


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


@cache
def _simplified(character: str) -> str:
    # One character at a time: a phrase would be converted by its context, and a pair of it differently.
    simplified: str = _converter().convert(character)
    return simplified
