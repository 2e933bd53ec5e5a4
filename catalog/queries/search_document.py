"""The text of a repo as PostgreSQL indexes it, and questions in the same terms (ADR 0007).

Lexemes are made here, not by PostgreSQL's parser, which knows neither CJK pairs nor ids. Every lexeme
consists of letters and digits only, except the leading `/` of those that stand for a piece of the id:
the Hub's clients search substrings of ids, and a prefix query over all endings of the id's tokens is that.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import ClassVar, Final

from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import BooleanField, Expression, F, Func, Value

from catalog.queries.search_words import document_tokens, endings, is_cjk, question_tokens

ID_MARK: Final = "/"
LAST_POSITION: Final = 16_000  # PostgreSQL counts to 16 383 and clamps what follows
POSITIONS_PER_LEXEME: Final = 200  # it keeps 255
BYTES_PER_DOCUMENT: Final = 600_000  # it refuses a tsvector of 1 MB
GAP: Final = 8  # positions between sections, so that no phrase spans two
WORDS_PER_QUESTION: Final = 16


class DocumentBuilder:
    """Collects lexemes with positions and weights, within PostgreSQL's limits; what does not fit is left out."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._position = 0
        self._bytes = 0

    def add_id(self, full_name: str) -> None:
        """Index `ns/name` by its tokens (weight A) and by all their endings (weight C)."""
        for token in document_tokens(full_name):
            self._position += 1
            self._put(token, "A")
            for ending in endings(token):
                self._put(ID_MARK + ending, "C")
        self._position += GAP

    def add_text(self, text: str, weight: str) -> None:
        for token in islice(document_tokens(text), LAST_POSITION):
            if self._position >= LAST_POSITION or self._bytes >= BYTES_PER_DOCUMENT:
                return
            self._position += 1
            self._put(token, weight)
        self._position += GAP

    def build(self) -> str:
        """Returns the document in PostgreSQL's input syntax for tsvector."""
        return " ".join(f"'{lexeme}':{','.join(places)}" for lexeme, places in self._places.items())

    def _put(self, lexeme: str, weight: str) -> None:
        places = self._places.setdefault(lexeme, [])
        if len(places) < POSITIONS_PER_LEXEME:
            places.append(f"{self._position}{weight}")
            self._bytes += 2 if len(places) > 1 else len(lexeme.encode()) + 8


def document(*, full_name: str, title: str, labels: Iterable[str], text: str) -> Expression:
    """Returns the search document as an expression to store.

    Args:
        labels: task and tags.
        text: of the card, without markup.
    """
    builder = DocumentBuilder()
    builder.add_id(full_name)
    builder.add_text(title, "B")
    for label in labels:
        builder.add_text(label, "C")
    builder.add_text(text, "D")
    return Func(Value(builder.build()), template="CAST(%(expressions)s AS tsvector)", output_field=SearchVectorField())


def question(text: str, *, in_ids_only: bool = False) -> str:
    """Returns a tsquery: all words must occur, the last one perhaps unfinished; "" when there is no word.

    A word matches anywhere in an id, too. `llama-3.1` matches its parts side by side.
    """
    words = [tokens for word in text.split()[:WORDS_PER_QUESTION] if (tokens := question_tokens(word))]
    asked = []
    for number, tokens in enumerate(words, start=1):
        in_id = _phrase([ID_MARK + token for token in tokens], is_open=True)
        is_open = number == len(words) or (is_cjk(tokens[-1]) and len(tokens[-1]) == 1)  # texts hold it in pairs
        asked.append(in_id if in_ids_only else f"({_phrase(tokens, is_open=is_open)} | {in_id})")
    return " & ".join(asked)


def _phrase(tokens: list[str], *, is_open: bool) -> str:
    quoted = [f"'{token}'" for token in tokens]
    return f"({' <-> '.join(quoted)}{':*' if is_open else ''})"


class Matches(Func):
    """Whether the column `facts.document` answers a question."""

    template = "%(expressions)s"
    arg_joiner = " @@ "
    output_field: ClassVar[BooleanField[bool, bool]] = BooleanField()

    def __init__(self, asked: Expression) -> None:
        super().__init__(F("facts__document"), asked)


def asked_as(tsquery: str) -> Expression:
    """Returns a question as an expression; it is a parameter of the statement, never part of its text."""
    return Func(Value(tsquery), template="CAST(%(expressions)s AS tsquery)", output_field=SearchQueryField())
