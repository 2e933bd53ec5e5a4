"""What a node sent, doubted before anything is believed: files, lines, ids."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evaluation.benchmarks.schema import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.samples import Gold

PREDICTIONS = "predictions.jsonl"
P = TypeVar("P", bound="Predictions")
LONGEST_WHOLE = 19  # digits: whole numbers from here on become floats


@dataclass(frozen=True)
class Predictions:
    """The answers of one run; each kind adds columns with one row per id."""

    ids: tuple[str, ...]


def taken(found: P, chosen: Sequence[int]) -> P:
    """The answers at these places; a column that the run did not send stays empty."""
    if len(chosen) == len(found.ids) and list(chosen) == list(range(len(chosen))):
        return found
    columns: dict[str, Any] = {}
    for field in dataclasses.fields(found):
        column = getattr(found, field.name)
        if column is not None and len(column) == len(found.ids):
            rows = list(chosen)
            columns[field.name] = column[rows] if isinstance(column, np.ndarray) else tuple(column[at] for at in rows)
    return dataclasses.replace(found, **columns)


def require_files(definition: Definition, folder: Path, names: Sequence[str]) -> None:
    """Raises BadOutput: a file is missing, or all are larger than the definition allows."""
    for name in names:
        if not (folder / name).is_file():
            raise BadOutput(f"The run sent no {name}.")
    size = sum((folder / name).stat().st_size for name in names)
    if size > definition.limits.output_mb * 2**20:
        raise BadOutput(f"The run sent more than the {definition.limits.output_mb:g} MB that the benchmark allows.")


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file, in order and one at a time. Raises BadOutput with the number of the line."""
    decode = json.JSONDecoder(parse_int=_whole).decode  # `json.loads` would make one a line
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                row = decode(line.decode())
            except (ValueError, RecursionError) as error:
                raise BadOutput(f"{path.name} is not JSON, line {number}.") from error
            if not isinstance(row, dict):
                raise BadOutput(f"Line {number} of {path.name} is not a JSON object.")
            yield row


def _whole(digits: str) -> int | float:
    """No count is as long as a float is exact; hundreds of digits are infinite, as they would be with a point."""
    return int(digits) if len(digits) < LONGEST_WHOLE else float(digits)


def places(gold: Gold, found: Predictions) -> dict[str, int]:
    """Where each id stands among the predictions.

    Raises:
        BadOutput: an id is unknown, missing or given twice.
    """
    place = dict(zip(found.ids, range(len(found.ids)), strict=True))
    wanted = {row["id"] for row in gold}
    if len(place) != len(found.ids):
        raise BadOutput("The run answered an item twice.")
    if place.keys() == wanted:
        return place
    if unknown := place.keys() - wanted:
        raise BadOutput(f"The run answered {len(unknown)} items that it was not asked about.")
    raise BadOutput(f"The run did not answer {len(wanted - place.keys())} of {len(wanted)} items.")
