"""One split of one dataset through the eyes of a definition: entries with the fields it names."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.files import DatasetFiles
from evaluation.benchmarks.hub.layout import split_files
from evaluation.benchmarks.hub.sounds import as_wav
from evaluation.benchmarks.hub.tables import BadTable, Place, places_of
from evaluation.benchmarks.items import Located, MediaSource
from evaluation.benchmarks.paths import MISSING, value_at
from evaluation.benchmarks.schema import Definition

LARGEST_MEDIUM: Final = 64 * 1024 * 1024  # bytes of one image or recording
NAMED: Final = 12  # columns that a sentence lists


@dataclass(frozen=True)
class Entry:
    """One row; its values are asked for by the names of `fields`, and faults say where they are."""

    key: str
    place: Place
    source: "Source"

    def value(self, field: str, default: str | None = None) -> Any:  # noqa: ANN401 (a cell holds what its file holds)
        """What the field's path leads to. Raises DataUnavailable: there is no such column."""
        path = self.source.path_of(field, default)
        if path is None:
            raise DataUnavailable(f"The definition does not say which column is the {field} (fields.{field}).")
        found = value_at(self.place.row, path)
        if found is MISSING:
            named = sorted(self.place.row)
            more = " …" if len(named) > NAMED else ""
            raise DataUnavailable(
                f"{self._here} has no field {path!r}, which the definition calls {field}; "
                f"it has {', '.join(named[:NAMED]) or 'none'}{more}."
            )
        return found

    def text(self, field: str, default: str | None = None) -> str:
        found = self.value(field, default)
        if not isinstance(found, str):
            raise DataUnavailable(f"{self._here}: the {field} is {_said(found)}, not text.")
        return found

    def texts(self, field: str, default: str | None = None) -> list[str]:
        """A list of texts; one text counts as a list of one."""
        found = self.value(field, default)
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
            raise DataUnavailable(f"{self._here}: the {field} is {_said(found)}, not a list of texts.")
        return listed

    def label(self, field: str = "target", default: str | None = "label") -> str:
        """The name of a label: a number is looked up among the definition's, a text must be one of its names."""
        return self.label_of(self.value(field, default), field)

    def label_of(self, found: object, field: str = "target") -> str:
        """The same for a value at hand, such as one tag of a list."""
        labels = self.source.definition.labels or {}
        if isinstance(found, str):
            if found in labels.values():
                return found
            found = int(found) if found.isascii() and found.isdigit() and len(found) < 9 else found
        number: int | None = None
        if isinstance(found, int) or (isinstance(found, float) and found.is_integer()):
            number = int(found)
        if number == -1:
            raise DataUnavailable(f"{self._here}: the {field} is -1, which means that this split has no labels.")
        if number is None or number not in labels:
            known = ", ".join(f"{key}: {name}" for key, name in sorted(labels.items())[:NAMED])
            more = " …" if len(labels) > NAMED else ""
            raise DataUnavailable(f"{self._here}: the {field} {_said(found)} is none of the labels ({known}{more}).")
        return labels[number]

    def located(self) -> Located:
        """Stands for bytes that are read later."""
        return Located(f"{self.place.path}#{self.place.number}")

    def extras(self, **known: str) -> dict[str, Any]:
        """What gold carries besides the answer: cluster, group, and fields that slices ask for.

        Args:
            known: fields that follow from the row and are no column of it.
        """
        fields = self.source.definition.fields
        found: dict[str, Any] = {}
        for name in ("cluster", "group"):
            if fields.get(name):
                found[name] = str(self.value(name))
        wanted = [one.by.removeprefix("field:") for one in self.source.definition.slices if one.by.startswith("field:")]
        if wanted:
            found["fields"] = {name: known.get(name) or str(self.value(name, name)) for name in wanted}
        return found

    @property
    def _here(self) -> str:
        where = self.place.where
        return where[:1].upper() + where[1:]


class Source:
    """The rows a definition names."""

    def __init__(self, definition: Definition, files: DatasetFiles) -> None:
        """Remembers both; reads nothing."""
        self.definition, self.files = definition, files

    def path_of(self, field: str, default: str | None = None) -> str | None:
        """The dotted path of a field; None where the definition names none."""
        return self.definition.fields.get(field, default)

    def has(self, field: str) -> bool:
        return bool(self.definition.fields.get(field))

    def entries(
        self, *, split: str | None = None, config: str | None = None, without: Collection[str] = ()
    ) -> Iterator[Entry]:
        """Every row of the split, in order, each under an id of its own.

        Args:
            split, config: other ones than the definition's.
            without: fields whose columns need not be read now.

        Raises:
            DataUnavailable
        """
        columns = {path.split(".")[0] for field in without if (path := self.path_of(field, field))}
        by_id = self.path_of("id")
        seen: set[str] = set()
        try:
            dataset = self.definition.dataset
            places = self._places(config or dataset.config, split or dataset.split, columns)
            for number, place in enumerate(places):
                yield Entry(_key_of(place, by_id, seen) if by_id else str(number), place, self)
        except BadTable as error:
            raise DataUnavailable(f"{self.files.name}: {error}") from error

    def _places(self, config: str, split: str, columns: Collection[str]) -> Iterator[Place]:
        """The rows of the config; those of `one+other` side by side, the columns of each under its name."""
        configs = config.split("+")
        if len(configs) == 1:
            yield from self._places_of(configs[0], split, columns)
            return
        for found in zip_longest(*(self._places_of(config, split, ()) for config in configs)):
            if None in found:
                raise BadTable(f"the configs {' and '.join(configs)} have different numbers of rows in {split!r}.")
            rows = {config: place.row for config, place in zip(configs, found, strict=True)}
            yield Place(rows, found[0].path, found[0].number, found[0].unit)

    def _places_of(self, config: str, split: str, columns: Collection[str]) -> Iterator[Place]:
        for file in split_files(self.files, config, split):
            yield from places_of(file, without=columns)

    def media(self, field: str, *, split: str | None = None, prefix: str = "") -> MediaSource:
        """How the bytes of a field are read, in the order of the data, for the items that were chosen.

        Args:
            prefix: what the ids of these items begin with besides.
        """

        def read(chosen: Collection[str]) -> Iterator[tuple[str, str, bytes]]:
            wanted = set(chosen)
            for entry in self.entries(split=split):
                if (key := prefix + entry.key) in wanted:
                    yield key, field, self._medium(entry, field)

        return read

    def _medium(self, entry: Entry, field: str) -> bytes:
        content = self._bytes(entry, entry.value(field, field))
        if field != "audio":
            return content
        try:
            return as_wav(content)
        except BadTable as problem:
            raise DataUnavailable(f"{self.files.name}, {entry.place.where}: {problem}") from problem

    def _bytes(self, entry: Entry, value: object) -> bytes:
        """Of a parquet struct {bytes, path}, of plain bytes, or of a file named beside the table."""
        if isinstance(value, Mapping):
            content = value.get("bytes")
            value = content if content is not None else value.get("path")
        if isinstance(value, str):
            value = self._file_beside(entry, value)
        if not isinstance(value, bytes) or not value:
            raise DataUnavailable(f"{entry.place.where}: there are no bytes of the image or recording.")
        return value

    def _file_beside(self, entry: Entry, name: str) -> bytes:
        folder = entry.place.path.rpartition("/")[0]
        path = f"{folder}/{name}" if folder else name
        file = self.files.files.get(path) or self.files.files.get(name)
        if file is None or file.size > LARGEST_MEDIUM:
            problem = "does not exist" if file is None else f"is larger than {LARGEST_MEDIUM >> 20} MiB"
            raise DataUnavailable(f"{entry.place.where}: the file {name!r} {problem}.")
        with file.open() as stream:
            return stream.read()


def _key_of(place: Place, path: str, seen: set[str]) -> str:
    found = value_at(place.row, path)
    if found is MISSING or found is None or isinstance(found, list | dict):
        raise BadTable(f"{place.where} has no id in {path!r}.")
    key = str(found)
    if key in seen:
        raise BadTable(f"{place.where} has the id {key!r}, which an earlier row has, too.")
    seen.add(key)
    return key


def _said(value: object) -> str:
    shown = "null" if value is None else repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "…"
