"""Dotted paths into a row: `answers.text`, `choices.text.0`."""

from collections.abc import Mapping
from typing import Any, Final

MISSING: Final = object()


def value_at(row: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 (a cell holds what its file holds)
    """What stands there, or MISSING. A name that holds a dot itself wins; a list of objects gives one, even of none."""
    if path in row:
        return row[path]
    here: Any = row
    for part in path.split("."):
        here = _step(here, part)
        if here is MISSING:
            return MISSING
    return here


def _step(here: Any, part: str) -> Any:  # noqa: ANN401 (likewise)
    if isinstance(here, Mapping):
        return here.get(part, MISSING)
    if isinstance(here, list) and part.isdigit():
        return here[int(part)] if int(part) < len(here) else MISSING
    if isinstance(here, list) and all(isinstance(item, Mapping) and part in item for item in here):
        return [item[part] for item in here]
    return MISSING
