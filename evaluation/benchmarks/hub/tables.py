"""Rows of tables: parquet, lines of JSON, JSON, CSV. Streams where the format allows it."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from evaluation.benchmarks.hub.files import DataFile
from evaluation.benchmarks.hub.layout import format_of

LARGEST_JSON: Final = 256 * 1024 * 1024  # bytes of a file that is one JSON value
LONGEST_CELL: Final = 64 * 1024 * 1024  # characters of one cell of CSV
LONGEST_LINE: Final = 64 * 1024 * 1024  # bytes
PARQUET_BATCH: Final = 128  # rows

Row = dict[str, Any]


class BadTable(ValueError):
    """A file that is not the table it should be: a sentence that names the line."""


@dataclass(frozen=True)
class Place:
    """One row and where it stands; `unit` is what people count in such a file."""

    row: Row
    path: str
    number: int  # from 1
    unit: str = "row"

    @property
    def where(self) -> str:
        return f"{self.unit} {self.number} of {self.path}"


def places_of(file: DataFile, *, without: Collection[str] = ()) -> Iterator[Place]:
    """Every row, in order.

    Args:
        without: columns that need not be read, where the format can leave them out.

    Raises:
        BadTable
    """
    kind = format_of(file.path)
    try:
        if kind == ".parquet":
            yield from _of_parquet(file, frozenset(without))
        elif kind in (".csv", ".tsv"):
            yield from _of_csv(file, "\t" if kind == ".tsv" else ",")
        elif kind == ".json":
            yield from _of_json(file)
        else:
            yield from _of_lines(file)
    except UnicodeDecodeError as error:
        raise BadTable(f"{file.path} is not UTF-8: byte {error.start} cannot be read.") from error
    except (OSError, EOFError, zlib.error) as error:  # gzip's ways to say that it is none
        raise BadTable(f"{file.path} cannot be read: {error}.") from error


def _stream(file: DataFile) -> BinaryIO:
    stream = file.open()
    return gzip.open(stream) if file.path.lower().endswith(".gz") else stream  # type: ignore[return-value]  # a GzipFile reads as one


def _of_lines(file: DataFile) -> Iterator[Place]:
    with _stream(file) as stream:
        number = 0
        while line := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise BadTable(f"Line {number} of {file.path} is too long.")
            if line.strip():
                yield Place(_object(line.decode("utf-8-sig" if number == 1 else "utf-8"), file, number), file.path,
                            number, "line")  # fmt: skip


def _object(line: str, file: DataFile, number: int) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise BadTable(f"Line {number} of {file.path} is not JSON.") from None
    if not isinstance(row, dict):
        raise BadTable(f"Line {number} of {file.path} is not a JSON object ({{…}}).")
    return row


def _of_json(file: DataFile) -> Iterator[Place]:
    """A list of objects, `{"data": [objects]}`, or lines of JSON under the wrong name, which is common."""
    if file.size > LARGEST_JSON:
        raise BadTable(f"{file.path} is one JSON value of {file.size >> 20} MiB; write one object a line instead.")
    with _stream(file) as stream:
        text = stream.read(LARGEST_JSON + 1).decode("utf-8-sig")
    if len(text) > LARGEST_JSON:
        raise BadTable(f"{file.path} is one JSON value that is too large; write one object a line instead.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        yield from _of_lines(file)
        return
    if isinstance(value, dict):
        value = value["data"] if isinstance(value.get("data"), list) else [value]
    if not isinstance(value, list):
        raise BadTable(f"{file.path} is neither a list of objects nor lines of JSON.")
    for number, row in enumerate(value, start=1):
        if not isinstance(row, dict):
            raise BadTable(f"Entry {number} of {file.path} is not a JSON object ({{…}}).")
        yield Place(row, file.path, number, "entry")


def _of_csv(file: DataFile, delimiter: str) -> Iterator[Place]:
    csv.field_size_limit(LONGEST_CELL)  # the module's default refuses long articles
    with _stream(file) as stream:
        reader = csv.reader(io.TextIOWrapper(stream, "utf-8-sig", newline=""), delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
            if len(set(header)) != len(header):
                raise BadTable(f"The first line of {file.path} names a column twice.")
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise BadTable(
                        f"Line {reader.line_num} of {file.path} has {len(cells)} cells; "
                        f"the first line names {len(header)} columns."
                    )
                yield Place(dict(zip(header, cells, strict=True)), file.path, reader.line_num, "line")
        except csv.Error as error:
            raise BadTable(f"Line {reader.line_num} of {file.path} is not CSV: {error}.") from error


def _of_parquet(file: DataFile, without: frozenset[str]) -> Iterator[Place]:
    import pyarrow as pa  # a large library: only who reads parquet waits for it
    from pyarrow import parquet

    with file.open() as stream:
        try:
            table = parquet.ParquetFile(stream)
            columns = [name for name in table.schema_arrow.names if name not in without]
            number = 0
            for batch in table.iter_batches(batch_size=PARQUET_BATCH, columns=columns, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield Place(row, file.path, number)
        except pa.ArrowException as error:
            raise BadTable(f"{file.path} is not a readable parquet file: {str(error).splitlines()[0]}.") from error
