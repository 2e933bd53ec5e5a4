"""What a dataset itself says its label numbers mean: in the schema of its parquet files, as `datasets` writes it.

A definition that numbers the same labels otherwise would score every model wrongly, and nothing else would show it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.files import DataFile
from evaluation.benchmarks.hub.layout import format_of, split_files
from evaluation.benchmarks.hub.source import Source

SCHEMA_KEY: Final = b"huggingface"  # of a parquet file's metadata
LARGEST_SCHEMA: Final = 8 * 1024 * 1024  # characters


def check_numbering(source: Source) -> None:
    """Raises DataUnavailable when the data calls a label by another number than the definition does.

    Names are compared as they stand, else by their letters and digits alone, if those tell them apart; a name that
    only one side knows decides nothing.
    """
    dataset, path = source.definition.dataset, source.path_of("target", "label")
    labels = source.definition.labels
    if not labels or path is None or "+" in dataset.config:
        return
    listed = split_files(source.files, dataset.config, dataset.split)
    names = declared_names(listed[0], path) if listed else ()
    for ours, theirs in _same(tuple(labels.values()), names, source.files.name):
        number = next(number for number, name in labels.items() if name == ours)
        if (told := names.index(theirs)) != number:
            raise DataUnavailable(
                f"{source.files.name} gives the label {ours!r} the number {told}; the definition says {number}."
            )


def _same(ours: tuple[str, ...], theirs: tuple[str, ...], where: str) -> Iterator[tuple[str, str]]:
    """Which names of both sides mean the same label. Raises DataUnavailable: their spelling does not say which."""
    exact = set(ours) & set(theirs)
    yield from ((name, name) for name in ours if name in exact)
    left, right = (_by_spelling(name for name in names if name not in exact) for names in (ours, theirs))
    for spelling in sorted(set(left) & set(right) - {""}):  # signs alone, such as + and -, spell nothing
        if len(left[spelling]) > 1 or len(right[spelling]) > 1:
            raise DataUnavailable(
                f"{where} has the labels {', '.join(right[spelling])}, the definition {', '.join(left[spelling])}: "
                "which of them are the same? Write the definition's exactly like the data's."
            )
        yield left[spelling][0], right[spelling][0]


def _by_spelling(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_spelled(name), []).append(name)
    return found


def declared_names(file: DataFile, path: str) -> tuple[str, ...]:
    """The names of a column's labels, in the order of their numbers; () where the file does not say."""
    if format_of(file.path) != ".parquet":
        return ()
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with file.open() as stream:
            metadata = parquet.read_schema(stream).metadata or {}
    except pa.ArrowException:
        return ()  # whoever reads its rows will say so
    feature: Any = _features(metadata.get(SCHEMA_KEY, b"")).get(path.split(".", maxsplit=1)[0])
    for part in path.split(".")[1:]:
        feature = _inner(feature)
        feature = feature.get(part) if isinstance(feature, Mapping) else None
    feature = _inner(feature)
    names = feature.get("names") if isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel" else None
    is_told = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if names and is_told else ()


def _features(text: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(text) if 0 < len(text) <= LARGEST_SCHEMA else {}
    except (ValueError, RecursionError):
        return {}
    info = told.get("info") if isinstance(told, dict) else None
    features = info.get("features") if isinstance(info, dict) else None
    return features if isinstance(features, dict) else {}


def _inner(feature: object) -> object:
    """What a list is a list of; anything else itself."""
    while isinstance(feature, list | Mapping):
        if isinstance(feature, list):
            feature = feature[0] if feature else None
        elif feature.get("_type") in ("Sequence", "List", "LargeList"):
            feature = feature.get("feature")
        else:
            break
    return feature


def _spelled(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
