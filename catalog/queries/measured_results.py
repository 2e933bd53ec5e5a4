"""Results measured here, for the fields of the Hub API that carry results; evaluation adds its source at the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.models import Repo


@dataclass(frozen=True)
class MeasuredResults:
    """What was measured of one model, in the two shapes that clients read."""

    eval_results: Sequence[Mapping[str, Any]] = ()  # of `.eval_results/*.yaml`: {"data": {"dataset", "value", …}}
    model_index: Mapping[str, Any] | None = None  # one entry of a `model-index`


NOTHING = MeasuredResults()
Source = Callable[[Sequence[int], str], Mapping[int, MeasuredResults]]  # ids of repos, address of the site
_SOURCES: list[Source] = []


def add_source(source: Source) -> None:
    if source not in _SOURCES:
        _SOURCES.append(source)


def measured_results(repos: Sequence[Repo], site: str) -> dict[int, MeasuredResults]:
    """By repo, those without results left out. `site` is the address that links begin with, without a slash."""
    found: dict[int, MeasuredResults] = {}
    for source in _SOURCES:
        found.update(source([repo.pk for repo in repos], site))
    return found
