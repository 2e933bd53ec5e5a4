"""What a node sent, as arrays; everything about it is doubted first."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.definitions import Definition
from evaluation.errors import BadOutput
from evaluation.metrics.arrays import Floats

LARGEST_WIDTH = 65_536  # dimensions of one embedding
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Predictions:
    """One row per id: labels with or without probabilities, or embeddings."""

    ids: tuple[str, ...]
    labels: tuple[str, ...] = ()
    probabilities: Floats | None = None  # (items, labels), rows sum to 1, in the order of the definition's labels
    embeddings: Floats | None = None  # (items, width)


def read_predictions(definition: Definition, folder: Path) -> Predictions:
    """The outputs of one run in `folder`.

    Raises:
        BadOutput: too large, not the expected shape, or not finite; with a sentence.
    """
    names = ["embeddings.npy", "ids.json"] if definition.request == "embed" else ["predictions.jsonl"]
    for name in names:
        if not (folder / name).is_file():
            raise BadOutput(f"The run sent no {name}.")
    size = sum((folder / name).stat().st_size for name in names)
    if size > definition.limits.output_mb * 2**20:
        raise BadOutput(f"The run sent more than the {definition.limits.output_mb:g} MB that the benchmark allows.")
    return _read_embeddings(folder) if definition.request == "embed" else _read_labels(definition, folder)


def _read_embeddings(folder: Path) -> Predictions:
    try:
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        table = np.load(
            folder / "embeddings.npy", mmap_mode="r", allow_pickle=False
        )  # a lying header allocates nothing
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise BadOutput("The embeddings cannot be read.") from error
    if not isinstance(ids, list) or not all(isinstance(key, str) for key in ids):
        raise BadOutput("ids.json is not a list of ids.")
    if not isinstance(table, np.ndarray) or table.ndim != 2 or table.dtype.kind != "f":
        raise BadOutput("embeddings.npy is not a table of floating point numbers.")
    if table.shape[0] != len(ids) or not 1 <= table.shape[1] <= LARGEST_WIDTH:
        raise BadOutput(f"embeddings.npy has the shape {table.shape}, but there are {len(ids)} ids.")
    if not np.isfinite(table).all():
        raise BadOutput("The embeddings hold numbers that are not finite (NaN or infinity).")
    return Predictions(ids=tuple(ids), embeddings=table.astype(np.float64))


def _read_labels(definition: Definition, folder: Path) -> Predictions:
    ids, labels, rows = [], [], []
    known = set(definition.label_names)
    for number, row in enumerate(_json_lines(folder / "predictions.jsonl"), start=1):
        key, label = row.get("id"), row.get("label")
        if not isinstance(key, str) or not isinstance(label, str) or label not in known:
            raise BadOutput(
                f"Line {number} of predictions.jsonl has no id or a label that the benchmark does not know."
            )
        ids.append(key)
        labels.append(label)
        if "probs" in row:
            rows.append(_probabilities(row["probs"], len(known), number))
    if rows and len(rows) != len(ids):
        raise BadOutput("Some predictions have probabilities and some have none.")
    return Predictions(ids=tuple(ids), labels=tuple(labels), probabilities=np.array(rows) if rows else None)


def _json_lines(path: Path) -> list[dict[str, Any]]:
    rows = []
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise BadOutput(f"Line {number} of {path.name} is not a JSON object.")
                rows.append(row)
    except (ValueError, RecursionError) as error:
        raise BadOutput(f"{path.name} is not JSON, line {len(rows) + 1}.") from error
    return rows


def _probabilities(values: object, count: int, number: int) -> Floats:
    """Checked and made to sum to 1: single precision leaves an error in the seventh digit."""
    numbers = values if isinstance(values, list) else []
    if len(numbers) != count or not all(type(value) in (int, float) for value in numbers):
        raise BadOutput(f"Line {number} of predictions.jsonl has no probability for each of the {count} labels.")
    total = math.fsum(numbers) if all(0 <= value <= 1 for value in numbers) else math.nan
    if not abs(total - 1) <= SUM_TOLERANCE:
        raise BadOutput(f"The probabilities in line {number} of predictions.jsonl are not finite or do not sum to 1.")
    return np.array(numbers, dtype=np.float64) / total
