"""Small datasets that people upload, looked at row by row: every fault names its line."""

import io
from dataclasses import dataclass
from typing import Final

from evaluation.benchmarks.hub.files import DataFile
from evaluation.benchmarks.hub.layout import format_of
from evaluation.benchmarks.hub.tables import BadTable, places_of

UPLOADABLE: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
MOST_ROWS: Final = 50_000
MOST_FAULTS: Final = 20  # told at once
LONGEST_TEXT: Final = 200_000  # characters of one cell
LONGEST_NUMBER: Final = 8  # digits of a label that counts as a number


@dataclass(frozen=True)
class Checked:
    """What a table holds."""

    rows: int
    columns: tuple[str, ...]
    labels: tuple[str, ...]  # of the label column, numbers by their size, then texts; empty when none was named
    faults: tuple[str, ...]  # the first few; any means that it is refused


def table_file(path: str, content: bytes) -> DataFile:
    """A table at hand, as readers take it."""
    return DataFile(path, len(content), lambda: io.BytesIO(content))


def check_table(file: DataFile, *, text: str = "", label: str = "") -> Checked:
    """Reads the whole table.

    Args:
        text, label: columns that must be filled in every row; "" asks for none.

    Raises:
        BadTable: it cannot be read on from some line.
    """
    if format_of(file.path) not in UPLOADABLE or file.path.lower().endswith(".gz"):
        raise BadTable(f"{file.path} is none of the formats that are read: {', '.join(UPLOADABLE)}.")
    faults: list[str] = []
    labels: set[str] = set()
    numbers: set[int] = set()  # labels that JSON gives as numbers
    columns: tuple[str, ...] = ()
    count = 0
    for place in places_of(file):
        count += 1
        if count > MOST_ROWS:
            raise BadTable(f"{file.path} has more than {MOST_ROWS} rows; commit it to a dataset instead.")
        columns = columns or tuple(place.row)
        found = list(_faults(place.row, columns, text, label))
        faults += [f"{place.unit.capitalize()} {place.number}: {fault}" for fault in found]
        if len(faults) >= MOST_FAULTS:
            break
        if label and not found:
            value = place.row[label]
            labels.add(str(value))
            numbers |= {value} if isinstance(value, int) else set()
    if count == 0:
        faults.append("There is no row in it.")
    ordered = tuple(sorted(labels, key=_rank))
    # Readers take a number for the number of a label, so the two must be the same.
    if any(not 0 <= number < len(ordered) or ordered[number] != str(number) for number in numbers):
        faults.append(f"The labels in {label!r} are numbers, but not 0, 1, 2, … without gaps: write them as text.")
    return Checked(count, columns, ordered, tuple(faults[:MOST_FAULTS]))


def _rank(label: str) -> tuple[bool, int, str]:
    is_number = label.isdecimal() and len(label) <= LONGEST_NUMBER
    return not is_number, int(label) if is_number else 0, label


def _faults(row: dict[str, object], columns: tuple[str, ...], text: str, label: str) -> list[str]:
    if set(row) != set(columns):
        missing, more = sorted(set(columns) - set(row)), sorted(set(row) - set(columns))
        parts = [f"it lacks {', '.join(missing)}"] * bool(missing) + [f"it adds {', '.join(more)}"] * bool(more)
        return [f"it has other columns than the first row: {'; '.join(parts)}."]
    found = []
    if text:
        found += _text_faults(row, text)
    if label:
        value = row.get(label)
        if label not in row:
            found.append(f"there is no column {label!r}.")
        elif value is None or value == "" or isinstance(value, list | dict | float):
            found.append(f"the label in {label!r} is empty, or no text or whole number.")
    return found


def _text_faults(row: dict[str, object], column: str) -> list[str]:
    value = row.get(column)
    if column not in row:
        return [f"there is no column {column!r}."]
    if not isinstance(value, str) or not value.strip():
        return [f"the text in {column!r} is empty, or no text."]
    if len(value) > LONGEST_TEXT:
        return [f"the text in {column!r} has more than {LONGEST_TEXT} characters."]
    return []
