"""What the list pages show beside the rows: choices to filter by, and what is chosen now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.pages import languages, tasks
from catalog.queries.facets import FacetValue, public_values
from catalog.queries.search_request import SORT_ALIASES

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


SHOWN_PARAMETERS = (
    "q",
    "author",
    "tag",
    "task",
    "library",
    "licence",
    "language",
    "format",
    "params",
    "rating",
    "sort",
)
ALIASES = {"pipeline_tag": "task", "search": "q", "license": "licence", "filter": "tag"}
CHOICES_OPEN = 8  # of a long facet, before one scrolls

SORTS: Mapping[str, StrPromise] = {
    "relevance": gettext_lazy("Best match"),
    "downloads": gettext_lazy("Most downloaded"),
    "rating": gettext_lazy("Best rated"),
    "updated": gettext_lazy("Recently updated"),
    "created": gettext_lazy("Newest"),
    "size": gettext_lazy("Largest"),
}
SIZE_WORDS: Mapping[str, StrPromise] = {
    "max:10M": gettext_lazy("under 10M"),
    "min:10M,max:100M": gettext_lazy("10M to 100M"),
    "min:100M,max:1B": gettext_lazy("100M to 1B"),
    "min:1B,max:8B": gettext_lazy("1B to 8B"),
    "min:8B,max:30B": gettext_lazy("8B to 30B"),
    "min:30B": gettext_lazy("30B and more"),
}


@dataclass(frozen=True)
class Choice:
    """One value of a facet, with words; `count` is None until the counts have arrived."""

    value: str
    label: str
    is_chosen: bool
    count: int | None = None


@dataclass(frozen=True)
class Facet:
    """One group of the filter panel; `name` is its parameter in the query string."""

    name: str
    title: str
    choices: tuple[Choice, ...]
    is_single: bool = False

    @property
    def chosen(self) -> bool:
        return any(choice.is_chosen for choice in self.choices)

    @property
    def is_open(self) -> bool:
        return self.name in {"task", "library"} or self.chosen


@dataclass(frozen=True)
class Chip:
    """One chosen value, and the address without it."""

    label: str
    href: str


def _licence_words(value: str) -> str:
    return _("not stated") if value == "unknown" else value


_FACETS: tuple[tuple[str, str, StrPromise, Callable[[str], str]], ...] = (
    # facet of the query, parameter, title, words for a value
    ("task", "task", gettext_lazy("Task"), tasks.label_of),
    ("library", "library", gettext_lazy("Library"), str),
    ("language", "language", gettext_lazy("Language"), languages.endonym),
    ("licence", "licence", gettext_lazy("Licence"), _licence_words),
    ("size", "params", gettext_lazy("Parameters"), lambda value: str(SIZE_WORDS.get(value, value))),
    ("format", "format", gettext_lazy("Format"), str),
)
_WORDS = {parameter: words for _facet, parameter, _title, words in _FACETS}


def known_facets(kind: str, query: QueryDict) -> list[Facet]:
    """The filter panel without counts: values that public repos have, at least what is chosen when nothing is known."""
    known = public_values(kind, any_age=True).value or {}
    return [_facet(name, [FacetValue(value, -1) for value in known.get(name, {})], query) for name, *_rest in _FACETS]


def counted_facets(found: Mapping[str, list[FacetValue]], query: QueryDict) -> list[Facet]:
    """The filter panel with counts, as one reader sees them."""
    return [_facet(name, found[name], query) for name, *_rest in _FACETS]


def chips(query: QueryDict) -> list[Chip]:
    """What is chosen now, each with the way to drop it."""
    found = []
    for parameter in ("author", "tag", "task", "library", "licence", "language", "format", "params", "rating"):
        found += [
            Chip(_chip_words(parameter, value), _without(query, parameter, value))
            for value in dict.fromkeys(query.getlist(parameter))
            if value
        ]
    return found


def clean_query(query: QueryDict) -> QueryDict:
    """The parameters that say something, by their own names and in one order: what stands in the address bar."""
    clean = QueryDict(mutable=True)
    for name, values in query.lists():
        own = ALIASES.get(name, name)
        for value in (SORT_ALIASES.get(given, given) if own == "sort" else given for given in values):
            if own in SHOWN_PARAMETERS and value.strip() and value not in clean.getlist(own):
                clean.appendlist(own, value.strip())
    return clean


def has_aliases(query: QueryDict) -> bool:
    """Whether the address uses other hubs' words, so that it should lead to ours: a link then says what it shows."""
    return any(name in ALIASES for name in query) or query.get("sort") in SORT_ALIASES


def ignored_parameters(query: QueryDict) -> list[str]:
    """What somebody asked for that we do not know: named on the page rather than dropped in silence."""
    known = {*SHOWN_PARAMETERS, *ALIASES, "cursor", "limit"}
    return [name[:40] for name in query if name not in known]


def _facet(name: str, values: list[FacetValue], query: QueryDict) -> Facet:
    _name, parameter, title, words = next(entry for entry in _FACETS if entry[0] == name)
    chosen = query.getlist(parameter)
    choices = {
        found.value: Choice(
            found.value, words(found.value), found.value in chosen, None if found.count < 0 else found.count
        )
        for found in values
        if found.value
    }
    for value in chosen:
        if value and value not in choices:
            choices[value] = Choice(value, _words_of(parameter, value), is_chosen=True)
    if name == "size":
        choices = {
            value: choices.get(value, Choice(value, str(words), False)) for value, words in SIZE_WORDS.items()
        } | {value: choice for value, choice in choices.items() if choice.is_chosen}
    return Facet(parameter, str(title), tuple(choices.values()), is_single=name == "size")


def _chip_words(parameter: str, value: str) -> str:
    if parameter == "author":
        return _("by %(name)s") % {"name": value}
    if parameter == "rating":
        return _("rated %(stars)s or better") % {"stars": value}
    return _words_of(parameter, value)


def _words_of(parameter: str, value: str) -> str:
    words = _WORDS.get(parameter, str)
    if value.startswith("!"):
        return _("not %(value)s") % {"value": words(value[1:])}
    return words(value)


def _without(query: QueryDict, parameter: str, value: str) -> str:
    rest = query.copy()
    rest.setlist(parameter, [kept for kept in query.getlist(parameter) if kept != value])
    return "?" + rest.urlencode()
