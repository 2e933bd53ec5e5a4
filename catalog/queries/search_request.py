"""What somebody looks for: the same value behind `/models`, `/api/v1/models` and `list_models`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.models import Repo
from catalog.queries.paging import LARGEST_PAGE

RELEVANCE: Final = "relevance"
SORTS: Final = (RELEVANCE, "downloads", "rating", "likes", "updated", "created", "size")
SORT_ALIASES: Final = {"trending": "downloads"}  # what comes nearest: 30 days
DEFAULT_LIMIT: Final = 30
LONGEST_TEXT: Final = 256  # characters
LONGEST_VALUE: Final = 255
VALUES_PER_FILTER: Final = 20

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([KMBT]?)", re.ASCII | re.IGNORECASE)
_FACTORS: Final = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@dataclass(frozen=True)
class SearchRequest:
    """A question to the catalogue. Inside one filter values are alternatives, across filters all must hold.

    In `task`, `library`, `licence`, `languages` and `formats` a value `!x` excludes x.
    """

    kind: str = Repo.Kind.MODEL.value
    text: str = ""
    in_ids_only: bool = False  # as `list_models(search=)`: substrings of ids
    author: str = ""  # a namespace
    tags: tuple[str, ...] = ()  # all of them
    task: tuple[str, ...] = ()
    library: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    parameters_min: int | None = None
    parameters_max: int | None = None
    rating_min: float | None = None  # only repos with three ratings or more match
    gated: bool | None = None
    used_models: tuple[str, ...] = ()  # all of them, which the card of a space names
    used_datasets: tuple[str, ...] = ()
    sort: str = ""  # "": relevance with words to judge by, downloads without
    limit: int = DEFAULT_LIMIT
    cursor: str = ""

    def __post_init__(self) -> None:
        """Raises `BadInput` for anything out of bounds."""
        if len(self.text) > LONGEST_TEXT:
            raise BadInput(
                _("The search text may have at most %(longest_text)s characters.") % {"longest_text": LONGEST_TEXT}
            )
        if self.sort and self.sort not in SORTS:
            raise BadInput(
                _("There is no sort %(sort)r; there are %(names)s.") % {"sort": self.sort, "names": ", ".join(SORTS)}
            )
        if not 1 <= self.limit <= LARGEST_PAGE:
            raise BadInput(_("A page has 1 to %(largest_page)s entries.") % {"largest_page": LARGEST_PAGE})
        columns = (self.task, self.library, self.licence, self.languages, self.formats)
        for values in ((self.author,), self.tags, *columns, self.used_models, self.used_datasets):
            _check_values(values)

    @property
    def order(self) -> str:
        """The sort in force."""
        if self.sort in {"", RELEVANCE}:
            return RELEVANCE if self.text.strip() and not self.in_ids_only else "downloads"
        return self.sort

    @property
    def fingerprint(self) -> str:
        """Names the list this request asks a page of: equal for all its pages, whatever their size."""
        whole = replace(self, cursor="", limit=DEFAULT_LIMIT, sort=self.order)
        return hashlib.sha256(repr(whole).encode(errors="replace")).hexdigest()[:32]


def request_from(
    parameters: MultiValueDict[str, str], *, kind: str, default_limit: int = DEFAULT_LIMIT
) -> SearchRequest:
    """Reads the parameters that `/models` and `/api/v1/models` share; unknown ones are ignored.

    Raises:
        BadInput: a value cannot be understood or is out of bounds.
    """
    sort = _one(parameters, "sort")
    smallest, largest = parameter_range(_one(parameters, "params"))
    return SearchRequest(
        kind=kind,
        text=_one(parameters, "q") or _one(parameters, "search"),
        author=_one(parameters, "author"),
        tags=_many(parameters, "tag", "filter"),
        task=_many(parameters, "task", "pipeline_tag"),
        library=_many(parameters, "library"),
        licence=_many(parameters, "licence", "license"),
        languages=_many(parameters, "language"),
        formats=_many(parameters, "format"),
        parameters_min=smallest,
        parameters_max=largest,
        rating_min=_number(parameters, "rating"),
        sort=SORT_ALIASES.get(sort, sort),
        limit=_limit(parameters, default_limit),
        cursor=_one(parameters, "cursor"),
    )


def parameter_range(text: str) -> tuple[int | None, int | None]:
    """Reads `min:1B,max:8B`; either part may be missing. Raises `BadInput`."""
    bounds: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        side, _colon, amount = part.strip().partition(":")
        if side not in {"min", "max"} or side in bounds:
            raise BadInput(_("A range of parameters looks like min:1B,max:8B."))
        bounds[side] = _amount(amount)
    return bounds.get("min"), bounds.get("max")


def _amount(text: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise BadInput(_("%(value)r is not a number of parameters; write 350M or 7B.") % {"value": text[:40]})
    return min(int(float(match[1]) * _FACTORS[match[2].upper()]), 2**63 - 1)


def _check_values(values: tuple[str, ...]) -> None:
    if len(values) > VALUES_PER_FILTER:
        raise BadInput(
            _("A filter takes at most %(values_per_filter)s values.") % {"values_per_filter": VALUES_PER_FILTER}
        )
    for value in values:
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise BadInput(_("A filter's value is a short printable text."))


def _one(parameters: MultiValueDict[str, str], name: str) -> str:
    return (parameters.get(name, "") or "").strip()


def _many(parameters: MultiValueDict[str, str], *names: str) -> tuple[str, ...]:
    found = [value.strip() for name in names for value in parameters.getlist(name)]
    return tuple(sorted({value for value in found if value}))


def _number(parameters: MultiValueDict[str, str], name: str) -> float | None:
    text = _one(parameters, name)
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?", text, re.ASCII):
        raise BadInput(_("%(name)s is a number such as 4 or 3.5.") % {"name": name})
    return float(text)


def _limit(parameters: MultiValueDict[str, str], default: int) -> int:
    text = _one(parameters, "limit")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise BadInput(_("limit is a whole number."))
    return min(max(int(text), 1), LARGEST_PAGE)
