"""The labels of a model against the labels of a benchmark (decision 25: they must be the same set)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from evaluation.runner.class_numbers import are_numbers
from evaluation.runner.failures import unsupported
from evaluation.runner.loading import Loaded
from evaluation.runner.outputs import Result

SHOWN = 8  # labels named in a message
UNUSED = "N/A"  # what detectors trained on COCO call the eleven numbers that it leaves out


@dataclass(frozen=True)
class LabelMap:
    """Where each label of the benchmark stands among the model's outputs."""

    names: tuple[str, ...]  # in the benchmark's order
    columns: tuple[int, ...]
    several: bool = False  # an item may have several labels, or none

    @classmethod
    def of(cls, loaded: Loaded, wanted: Sequence[str], *, several: bool = False) -> "LabelMap":
        """Raises RunFailed: unsupported, naming the difference."""
        table: dict[int, str] = {int(index): str(name) for index, name in loaded.config.id2label.items()}
        if are_numbers(wanted):
            return cls._by_number(table, wanted, several=several)
        check_same(set(table.values()), wanted)
        if len(set(table.values())) != len(table):
            raise unsupported("Two outputs of the model have the same label (id2label in config.json).")
        if sorted(table) != list(range(len(wanted))):
            raise unsupported("The model's id2label does not number its labels 0, 1, 2, … (config.json).")
        place = {name: index for index, name in table.items()}
        return cls(names=tuple(wanted), columns=tuple(place[name] for name in wanted), several=several)

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Of all labels together, or of each label by itself where an item may have several."""
        return torch.sigmoid(logits.float()) if self.several else torch.softmax(logits.float(), dim=-1)

    @classmethod
    def _by_number(cls, table: dict[int, str], wanted: Sequence[str], *, several: bool) -> "LabelMap":
        """Class number i of the benchmark is output i of the model, whatever the model calls it."""
        if sorted(table) != list(range(len(wanted))):
            raise unsupported(f"The model has {len(table)} labels (id2label); the benchmark numbers {len(wanted)}.")
        return cls(names=tuple(wanted), columns=tuple(range(len(wanted))), several=several)

    def results(self, rows: "np.ndarray[Any, np.dtype[np.float32]]") -> list[Result]:
        """{"label", "probs"} of each row; probabilities in the benchmark's order, nine significant digits.

        Where an item may have several labels, there is no single one to name.
        """
        if rows.shape[1] != len(self.names):
            raise unsupported(f"The model has {rows.shape[1]} outputs, but names {len(self.names)} labels.")
        ordered = rows[:, list(self.columns)]
        # Nine digits are a float32 exactly.
        results: list[Result] = [{"probs": [float(f"{value:.9g}") for value in row]} for row in ordered]
        if self.several:
            return results
        return [{"label": self.names[int(row.argmax())]} | one for row, one in zip(ordered, results, strict=True)]


@dataclass(frozen=True)
class NamedOutputs:
    """The outputs of a model that the benchmark knows; COCO's unused numbers, named N/A, are none of them."""

    names: dict[int, str]  # the model's number → label

    @classmethod
    def of(cls, loaded: Loaded, wanted: Sequence[str]) -> "NamedOutputs":
        """Raises RunFailed: unsupported, naming the difference."""
        table: dict[int, str] = {int(index): str(name) for index, name in loaded.config.id2label.items()}
        named = {index: name for index, name in table.items() if name != UNUSED}
        check_same(set(named.values()), wanted)
        return cls(names=named)


def check_same(own: Collection[str], wanted: Sequence[str]) -> None:
    """Raises RunFailed: unsupported, when a model's labels are not the benchmark's."""
    missing = [name for name in wanted if name not in own]
    extra = sorted(set(own) - set(wanted))
    if missing or extra:
        parts = [f"it lacks {_listed(missing)}"] if missing else []
        parts += [f"it also has {_listed(extra)}"] if extra else []
        raise unsupported(
            f"The labels of the model (id2label in config.json) are not those of the benchmark: {'; '.join(parts)}."
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
