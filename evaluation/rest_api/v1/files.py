"""Lists of items as files: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from django.http import HttpResponse

from catalog.errors import NotFound

Row = Mapping[str, Any]
ENDINGS: Final = ("csv", "jsonl")


def file_of(rows: Iterable[Row], columns: Iterable[str], ending: str, name: str) -> HttpResponse:
    """An attachment of all rows. Raises `NotFound` for an ending we do not write."""
    if ending not in ENDINGS:
        raise NotFound
    lines = csv_lines(rows, columns) if ending == "csv" else json_lines(rows)
    kind = "text/csv; charset=utf-8" if ending == "csv" else "application/jsonl"
    response = HttpResponse("".join(lines), content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """One line per row."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def csv_lines(rows: Iterable[Row], columns: Iterable[str]) -> Iterator[str]:
    """A header, then one line per row; what is not a text or a number is written as JSON."""
    names = list(columns)
    yield _csv_line(names)
    for row in rows:
        yield _csv_line([cell(row.get(name, "")) for name in names])


def cell(value: object) -> object:
    """What a spreadsheet shows: a text that it would run as a formula is quoted."""
    if isinstance(value, Mapping | list | tuple):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value[:1] in set("=+-@\t\r") else value


def _csv_line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
