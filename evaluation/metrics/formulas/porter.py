"""Stems of English words. Source: Porter 1980, with the extensions that NLTK's stemmer has and ROUGE is used with."""

import functools
import itertools
from collections.abc import Callable

VOWELS = frozenset("aeiou")
IRREGULAR = {
    "skies": "sky", "sky": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news",
    "innings": "inning", "inning": "inning", "outings": "outing", "outing": "outing", "cannings": "canning",
    "canning": "canning", "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
}  # fmt: skip
SECOND = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
)  # fmt: skip
THIRD = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
FOURTH = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
)  # fmt: skip


@functools.lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of one word in lower case."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) <= 2:
        return word
    steps: tuple[Callable[[str], str], ...] = (_plural, _past, _final_y, _second, _third, _fourth, _final_e, _final_l)
    for step in steps:
        word = step(word)
    return word


def _is_consonant(word: str, index: int) -> bool:
    if word[index] == "y":
        return index == 0 or not _is_consonant(word, index - 1)
    return word[index] not in VOWELS


def _measure(word: str) -> int:
    """How often a vowel is followed by a consonant."""
    shape = [_is_consonant(word, index) for index in range(len(word))]
    return sum(not before and after for before, after in itertools.pairwise(shape))


def _has_vowel(word: str) -> bool:
    return any(not _is_consonant(word, index) for index in range(len(word)))


def _ends_double(word: str) -> bool:
    return len(word) >= 2 and word[-1] == word[-2] and _is_consonant(word, len(word) - 1)


def _ends_short(word: str) -> bool:
    """Consonant, vowel, consonant other than w, x, y; or a whole word of vowel and consonant."""
    last = len(word) - 1
    if len(word) == 2:
        return not _is_consonant(word, 0) and _is_consonant(word, 1)
    if len(word) < 3 or word[-1] in "wxy":
        return False
    return _is_consonant(word, last - 2) and not _is_consonant(word, last - 1) and _is_consonant(word, last)


def _plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        own = word.removesuffix(suffix)
        if own != word and _has_vowel(own):
            return _mended(own)
    return word


def _mended(word: str) -> str:
    """What is left without -ed or -ing, made a word again."""
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if _ends_double(word):
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _ends_short(word) else word


def _final_y(word: str) -> str:
    own = word[:-1]
    return own + "i" if word.endswith("y") and len(own) > 1 and _is_consonant(own, len(own) - 1) else word


def _second(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]) > 0:
        return _second(word[:-2])
    for suffix, other in SECOND:
        if word.endswith(suffix):
            own = word[: -len(suffix)]
            return own + other if _measure(own) > 0 else word
    return word[:-1] if word.endswith("logi") and _measure(word[:-3]) > 0 else word


def _third(word: str) -> str:
    for suffix, other in THIRD:
        if word.endswith(suffix):
            own = word[: -len(suffix)]
            return own + other if _measure(own) > 0 else word
    return word


def _fourth(word: str) -> str:
    for suffix in FOURTH:
        if word.endswith(suffix):
            own = word[: -len(suffix)]
            allowed = _measure(own) > 1 and (suffix != "ion" or own[-1] in "st")
            return own if allowed else word
    return word


def _final_e(word: str) -> str:
    if not word.endswith("e"):
        return word
    own, size = word[:-1], _measure(word[:-1])
    return own if size > 1 or (size == 1 and not _ends_short(own)) else word


def _final_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
