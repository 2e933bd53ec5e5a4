"""One way of judging texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluation.metrics.arrays import Floats


@dataclass(frozen=True)
class Output:
    """One text that the model wrote, after the definition's filters."""

    text: str
    tokens: int  # without the one that ends it
    truncated: bool  # stopped by the limit, not by the model
    found: bool = True  # the filters found an answer in it


@dataclass(frozen=True)
class Written:
    """What was written about each item, and what is right; all three in one order."""

    outputs: Sequence[Sequence[Output]]  # per item `generation.repeats` texts, at least one
    references: Sequence[Sequence[str]]  # per item at least one
    rows: Sequence[Mapping[str, Any]]  # the gold, for what else it says: "language", …
    params: Mapping[str, float] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """The first text about each item."""
        return [outputs[0].text for outputs in self.outputs]


def _first(sums: Floats) -> float:
    return float(sums[0])


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Numbers per item that may be added up, so that a bootstrap never looks at a text twice.

    counts: (items, columns). A decomposable metric has one column and is its mean.
    value: the metric from the sums of the columns; for corpus metrics only.
    signature: what else decides the number, such as sacrebleu's signature.
    """

    counts: Callable[[Written], Floats]
    value: Callable[[Floats], float] = _first
    signature: Callable[[Written], str] = lambda _: ""


def column(numbers: Sequence[float]) -> Floats:
    """One number per item as the counts of a measure."""
    return np.asarray(numbers, dtype=np.float64).reshape(-1, 1)
