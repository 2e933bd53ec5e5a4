"""Converted weights as seen from outside the walls: nothing that a stranger's pickle wrote is believed."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from evaluation.node.errors import RunFailed
from evaluation.runner.failures import RunFailed as Refused
from evaluation.runner.snapshot import converted_name, most_converted_bytes, pickled_weights, read_json, tensors_of

INDEX, PICKLED_INDEX = "model.safetensors.index.json", "pytorch_model.bin.index.json"


def take_over(model: Path, converted: Path) -> dict[str, Any]:
    """Puts converted files in the place of the pickled ones; the facts of it, by new name.

    Raises:
        RunFailed: unsupported or sandbox_violation.
    """
    sources = pickled_weights(model)
    try:
        stated = _stated(model / PICKLED_INDEX)
        found = {source.name: _checked(converted / converted_name(source.name), source) for source in sources}
    except Refused as error:
        raise RunFailed(error.reason, error.message) from error
    held = {(name, file) for file, names in found.items() for name in names}
    if len(sources) > 1 and held != stated:
        name = min(name for name, _ in held ^ stated)
        raise RunFailed("unsupported", f"{PICKLED_INDEX} and the pickled weights do not agree on {name[:200]!r}.")
    facts = {}
    for source in sources:
        target = model / converted_name(source.name)
        (converted / target.name).replace(target)
        target.chmod(0o444)
        facts[target.name] = {"from": source.name, "sha256": _sha256(target), "size": target.stat().st_size}
    if len(sources) > 1:
        table = {name: converted_name(file) for name, file in sorted(held)}
        (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": table}), encoding="utf-8")
    for source in sources:
        source.unlink()
    return facts


def most_bytes(model: Path) -> int:
    """What the conversion may write at most, in all."""
    return sum(most_converted_bytes(path) for path in pickled_weights(model))


def _stated(index: Path) -> set[tuple[str, str]]:
    table = read_json(index).get("weight_map") if index.is_file() else {}
    if not isinstance(table, dict) or not all(isinstance(file, str) for file in table.values()):
        raise RunFailed("unsupported", f"{index.name} has no weight_map.")
    return set(table.items())


def _checked(path: Path, source: Path) -> set[str]:
    """The names of the weights in a converted file, which is a plain file of its own and valid byte for byte."""
    try:
        found = path.lstat()
    except OSError as error:
        raise RunFailed("sandbox_violation", f"The conversion of {source.name} left no file.") from error
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise RunFailed("sandbox_violation", f"The conversion of {source.name} left something that is no plain file.")
    if found.st_size > most_converted_bytes(source) + 2**20:
        raise RunFailed("sandbox_violation", f"The conversion of {source.name} left more than it may.")
    try:
        return set(tensors_of(path))
    except Refused as error:
        raise RunFailed("sandbox_violation", f"The conversion of {source.name} left no weights.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
