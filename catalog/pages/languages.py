"""Languages: what they call themselves, and which one a piece of foreign text is probably in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_POLISH = re.compile(r"[ąćęłńśźżĄĆĘŁŃŚŹŻ]")
# Frequent characters that exist in one of the two scripts only.
_TRADITIONAL = frozenset(
    "這們個來對時會說國學過後麼開關發現實點問應當體與樣還機總員業產區務類氣軍運題無將請讓給語詞義種類詢檢測輸練習資訊聲圖"
)
_SIMPLIFIED = frozenset(
    "这们个来对时会说国学过后么开关发现实点问应当体与样还机总员业产区务类气军运题无将请让给语词义种询检测输练习资讯声图"
)
_ALIASES = {"zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "zh-mo": "zh-Hant", "zh-cn": "zh-Hans", "zh-sg": "zh-Hans"}


def bcp47(code: str) -> str:
    """`zh-hant` → `zh-Hant`, `pt_br` → `pt-BR`: how `lang` attributes spell it."""
    parts = code.replace("_", "-").split("-")
    return "-".join(
        part.lower() if place == 0 else part.title() if len(part) == 4 else part.upper()
        for place, part in enumerate(parts)
    )


@lru_cache(maxsize=512)
def endonym(code: str) -> str:
    """What a language calls itself ("polski", "繁體中文"); the code itself when nobody knows."""
    try:
        locale = Locale.parse(bcp47(_ALIASES.get(code.lower(), code)), sep="-")
    except (UnknownLocaleError, ValueError):
        return code
    return locale.get_display_name(locale) or code


def lang_of(text: str, hints: Iterable[str] = ()) -> str:
    """The `lang` of a piece of text, by its characters; "" when nothing speaks for one.

    Args:
        hints: language codes its author states; they decide between the two Chinese scripts.
    """
    sample = text[:400]
    if _KANA.search(sample):
        return "ja"
    if _HANGUL.search(sample):
        return "ko"
    if _HAN.search(sample):
        return _chinese(sample, hints)
    if _POLISH.search(sample):
        return "pl"
    return "ru" if _CYRILLIC.search(sample) and "ru" in hints else ""


def _chinese(sample: str, hints: Iterable[str]) -> str:
    only_traditional = sum(char in _TRADITIONAL and char not in _SIMPLIFIED for char in sample)
    only_simplified = sum(char in _SIMPLIFIED and char not in _TRADITIONAL for char in sample)
    if only_traditional != only_simplified:
        return "zh-Hant" if only_traditional > only_simplified else "zh-Hans"
    stated = {_ALIASES.get(hint.lower(), bcp47(hint)) for hint in hints}
    return next((code for code in ("zh-Hant", "zh-Hans") if code in stated), "zh")
