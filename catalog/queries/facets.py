"""How many repos each choice would show. Counts may be some seconds old (decision 16).

Private repos count only for those who may see them, so what is remembered belongs to one reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from django.db.models import Case, CharField, Count, F, Func, Value, When
from django.db.models.expressions import Combinable

from catalog.models import User
from catalog.queries.remembering import Known, remembered
from catalog.queries.search import filtered, matching
from catalog.queries.search_request import SearchRequest

MATCHES_COUNTED: Final = 5_000  # of a text: each costs reading a document
VALUES_PER_FACET: Final = 50
SECONDS_FRESH: Final = 30
SECONDS_KEPT: Final = 600  # an old answer that stands in while a new one is made
SECONDS_FRESH_UNFILTERED: Final = 300  # which values there are at all: public ones, shared by all readers
SECONDS_KEPT_UNFILTERED: Final = 86_400
# Parameters: (name of the range as a filter writes it, first count above it)
SIZES: Final = (
    ("max:10M", 10**7),
    ("min:10M,max:100M", 10**8),
    ("min:100M,max:1B", 10**9),
    ("min:1B,max:8B", 8 * 10**9),
    ("min:8B,max:30B", 3 * 10**10),
    ("min:30B", None),
)


@dataclass(frozen=True)
class Total:
    """How many repos answer a request; large numbers are not counted to the end."""

    number: int
    is_at_least: bool = False  # there are more than `number`


@dataclass(frozen=True)
class FacetValue:
    """One choice: how many repos it would show, and whether it is chosen (`!value`: excluded) now."""

    value: str
    count: int
    is_chosen: bool = False
    is_excluded: bool = False


class _Elements(Func):
    function = "unnest"
    set_returning = True


def _by_size() -> Combinable:
    below = [When(facts__parameters__lt=limit, then=Value(name)) for name, limit in SIZES if limit is not None]
    return Case(
        When(facts__parameters=None, then=Value("")),
        *below,
        default=Value(SIZES[-1][0]),
        output_field=CharField(),
    )


# Facet → what it groups by, and the fields of a request that are its own choice.
_GROUPS: Final[dict[str, tuple[Combinable, tuple[str, ...]]]] = {
    "task": (F("facts__task"), ("task",)),
    "library": (F("facts__library"), ("library",)),
    "licence": (F("facts__licence"), ("licence",)),
    "language": (_Elements(F("facts__languages"), output_field=CharField()), ("languages",)),
    "format": (_Elements(F("facts__formats"), output_field=CharField()), ("formats",)),
    "size": (_by_size(), ("parameters_min", "parameters_max")),
}
FACETS: Final = tuple(_GROUPS)


@dataclass(frozen=True)
class Counts:
    """What a list shows beside its rows."""

    total: Total
    facets: dict[str, list[FacetValue]]


def counts(request: SearchRequest, *, user: User | None) -> Known[Counts]:
    """Returns total and facets as this reader may see them, at most some seconds old; None when they must wait."""

    def count() -> Counts:
        known = public_values(request.kind).value or {}
        return Counts(count_repos(request, user=user), facets(request, user=user, known=known))

    return remembered(_key("counts", request, user), count, fresh_seconds=SECONDS_FRESH, kept_seconds=SECONDS_KEPT)


def public_values(kind: str, *, any_age: bool = False) -> Known[dict[str, dict[str, int]]]:
    """Facet → value → how many public repos have it: one memory for all readers."""
    nothing_asked = SearchRequest(kind=kind)

    def count() -> dict[str, dict[str, int]]:
        return {facet: _counts(facet, nothing_asked, None, None) for facet in FACETS}

    return remembered(
        f"search:public-values:{kind}",
        count,
        fresh_seconds=SECONDS_FRESH_UNFILTERED,
        kept_seconds=SECONDS_KEPT_UNFILTERED,
        any_age=any_age,
    )


def count_repos(request: SearchRequest, *, user: User | None) -> Total:
    """Returns how many repos answer a request; with a text counting stops at `MATCHES_COUNTED`."""
    found = matching(request, user).values("pk")
    if not request.text.strip():
        return Total(found.count())
    number = found[: MATCHES_COUNTED + 1].count()
    return Total(min(number, MATCHES_COUNTED), is_at_least=number > MATCHES_COUNTED)


def facets(
    request: SearchRequest, *, user: User | None, known: Mapping[str, Mapping[str, int]]
) -> dict[str, list[FacetValue]]:
    """Returns the choices of each facet, most frequent first; a facet's counts ignore its own choice.

    Of a text the most downloaded `MATCHES_COUNTED` matches are counted.

    Args:
        known: counts of public values; the values stay, with a count of 0, under filters that leave none of them.
    """
    nothing_asked = SearchRequest(kind=request.kind)
    among = _Matches(request, user)
    found: dict[str, list[FacetValue]] = {}
    for facet, (_, own_fields) in _GROUPS.items():
        unset = {field: getattr(nothing_asked, field) for field in own_fields}
        asked = replace(request, **unset)
        is_known = (
            user is None and facet in known and asked.fingerprint == replace(nothing_asked, sort=asked.sort).fingerprint
        )
        numbers = known[facet] if is_known else _counts(facet, asked, user, among)
        chosen = _chosen(facet, request)
        values = dict.fromkeys([*numbers, *known.get(facet, ()), *(value.removeprefix("!") for value in chosen)])
        found[facet] = [
            FacetValue(value, numbers.get(value, 0), is_chosen=value in chosen, is_excluded=f"!{value}" in chosen)
            for value in values
        ]
    return found


def _chosen(facet: str, request: SearchRequest) -> frozenset[str]:
    if facet == "size":
        limits = (request.parameters_min, request.parameters_max)
        return frozenset(name for name, bounds in _size_bounds().items() if bounds == limits and any(limits))
    return frozenset(getattr(request, _GROUPS[facet][1][0]))


def _size_bounds() -> dict[str, tuple[int | None, int | None]]:
    limits = [limit for _, limit in SIZES]
    return {name: (limits[at - 1] if at else None, limit) for at, (name, limit) in enumerate(SIZES)}


class _Matches:
    """The repos that match a text, looked up once for all facets, when the first asks."""

    def __init__(self, request: SearchRequest, user: User | None) -> None:
        self._wanted = replace(SearchRequest(kind=request.kind), text=request.text, in_ids_only=request.in_ids_only)
        self._user = user

    @cached_property
    def ids(self) -> list[int]:
        best_known = matching(self._wanted, self._user).order_by("-facts__downloads", "-facts__pk")
        return list(best_known.values_list("pk", flat=True)[:MATCHES_COUNTED])


def _counts(facet: str, request: SearchRequest, user: User | None, among: _Matches | None) -> dict[str, int]:
    repos = filtered(request, user)
    if among is not None and request.text.strip():
        repos = repos.filter(pk__in=among.ids)
    rows = (
        repos.annotate(value=_GROUPS[facet][0])
        .values("value")
        .annotate(number=Count("pk"))
        .order_by("-number", "value")
    )
    return {row["value"]: row["number"] for row in rows[:VALUES_PER_FACET] if row["value"]}


def _key(what: str, request: SearchRequest, user: User | None) -> str:
    reader = "anyone" if user is None else f"{user.pk}{user.reach or ''}"
    return f"search:{what}:{reader}:{replace(request, sort='downloads').fingerprint}"
