"""Perturbed copies of items: asked beside the items themselves, judged by the same gold (evaluation-notes 2, 6).

A copy depends on the definition's hash, the item's own id and the perturbation alone, so every process makes the same
one. Copies have ids of their own: what is scored as the benchmark never sees them.
"""

import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

from PIL import Image

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.items import Items, Located, Row
from evaluation.benchmarks.perturbing import images, sounds, texts
from evaluation.benchmarks.perturbing.kind import PerturbationKind
from evaluation.benchmarks.schema import Definition, Perturbation

# Which columns of an input are changed, by request; what is asked otherwise would have another answer.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "classify": ("text", "pair"),
    "token-classify": ("words",),
    "generate": ("text",),
    **dict.fromkeys(("image-classify", "zero-shot", "detect", "segment", "caption", "vqa"), ("image",)),
    **dict.fromkeys(("audio-classify", "transcribe"), ("audio",)),
}
_ALL: Final[tuple[PerturbationKind[Any], ...]] = (*texts.KINDS, *images.KINDS, *sounds.KINDS)
KINDS: Final[dict[tuple[str, str], PerturbationKind[Any]]] = {(kind.column, kind.name): kind for kind in _ALL}
APART: Final = "\0"  # between an item's id and the name of its perturbation; no id of a dataset holds it


def kinds_for(request: str) -> dict[str, PerturbationKind[Any]]:
    """What may be done to inputs of this request, by name."""
    columns = COLUMNS.get(request, ())
    found = {name: kind for (column, name), kind in KINDS.items() if _holds(columns, column)}
    return {name: kind for name, kind in found.items() if "words" not in columns or kind.by_word}


def copy_id(key: str, name: str) -> str:
    """The id of an item's copy."""
    return f"{key}{APART}{name}"


def copy_ids(definition: Definition, items: Items) -> list[str]:
    return [copy_id(row["id"], one.name) for one in definition.perturbations for row in items.inputs]


class Perturber:
    """Makes the copies of one definition's items."""

    def __init__(self, definition: Definition, definition_hash: str) -> None:
        """Nothing is made before it is asked for."""
        self.request, self.uses, self._hash = definition.request, definition.perturbations, definition_hash
        self._kinds = kinds_for(definition.request)

    def copies(self, items: Items) -> Iterator[Row]:
        """Inputs of all copies, with their own ids; bytes that are read later stay `Located`."""
        for use in self.uses:
            for row in items.inputs:
                yield self.copy(row, use)

    def copy(self, row: Row, use: Perturbation) -> Row:
        key = str(row["id"])
        changed = {column: self._changed(key, row[column], use) for column in COLUMNS[self.request] if row.get(column)}
        return row | changed | {"id": copy_id(key, use.name), "perturbed": True}

    def media_of(self, key: str, column: str, content: bytes) -> Iterator[tuple[str, bytes]]:
        """(id, bytes) of each copy of an item whose bytes were read just now."""
        for use in self.uses:
            is_concerned = self._kinds[use.name].column == column
            yield copy_id(key, use.name), self._changed(key, content, use) if is_concerned else content

    def changes(self, items: Items) -> dict[str, int | None]:
        """How many copies differ from their items, by perturbation; None where that would be to read all media."""
        found: dict[str, int | None] = {}
        for use in self.uses:
            is_text = self._kinds[use.name].column == "text"
            found[use.name] = sum(self._differs(row, use) for row in items.inputs) if is_text else None
        return found

    def _differs(self, row: Row, use: Perturbation) -> bool:
        copy = self.copy(row, use)
        return any(copy[column] != row[column] for column in COLUMNS[self.request] if row.get(column))

    def _changed(self, key: str, value: Any, use: Perturbation) -> Any:  # noqa: ANN401 (text, words or bytes)
        if isinstance(value, Located):
            return value
        kind = self._kinds[use.name]
        chance = self._chance(key, use)
        p = kind.p if use.p is None else use.p
        if isinstance(value, list):
            return [kind.change(word, chance, p) for word in value]
        try:
            return kind.change(value, chance, p)
        except (OSError, ValueError, Image.DecompressionBombError) as problem:
            raise DataUnavailable(f"The {kind.column} of the item {key} cannot be perturbed: {problem}") from problem

    def _chance(self, key: str, use: Perturbation) -> random.Random:
        facts = f"{self._hash}\0{use.name}\0{use.seed}\0{key}"
        return random.Random(int.from_bytes(hashlib.sha256(facts.encode()).digest()))


def _holds(columns: tuple[str, ...], column: str) -> bool:
    return column in columns or (column == "text" and "words" in columns)
