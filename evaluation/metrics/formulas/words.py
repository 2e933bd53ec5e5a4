"""Normalisers of text by name and version: what counts as the same word is part of every word-based score."""

import re
import unicodedata
from collections.abc import Callable

Normaliser = Callable[[str], str]


def _spaces(text: str) -> str:
    return " ".join(text.split())


def _words(text: str) -> str:
    """Without case and punctuation; an apostrophe or a hyphen inside a word stays."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    kept = re.sub(r"(?<!\w)['-]|['-](?!\w)", " ", folded)
    plain = "".join(" " if unicodedata.category(sign)[0] in "PS" and sign not in "'-" else sign for sign in kept)
    return _spaces(plain)


NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _short_answers(text: str) -> str:
    """Words, without articles, and with small numbers in digits: "the two dogs" is "2 dogs"."""
    said = [word for word in _words(text).split() if word not in ("a", "an", "the")]
    return " ".join(str(NUMBERS.index(word)) if word in NUMBERS else word for word in said)


# A changed normaliser gets a new version: the old one stays, since old scores name it.
NORMALISERS: dict[str, Normaliser] = {"spaces@1": _spaces, "words@1": _words, "short-answers@1": _short_answers}
