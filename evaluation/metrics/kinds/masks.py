"""How well hidden tokens of each item were guessed.

A line of predictions.jsonl: {"id", "tokens": how many, "nats": their surprise, "first", "near": how many were
guessed at once or among five}. A row of gold: {"id", "bytes": of the text, …}: the text is its own answer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.perplexity import perplexity
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.masks import GUESSES
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import Gold, Sample, Statistic, items_of

TOKENS, NATS, FIRST, NEAR, BYTES = range(5)  # columns of counts

FORMULAS: dict[str, Callable[[Floats], float]] = {  # of summed counts
    "pseudo_ppl": lambda sums: perplexity(float(sums[NATS] / sums[TOKENS])),
    "pseudo_bits_per_byte": lambda sums: float(sums[NATS] / math.log(2) / sums[BYTES]),
    "mask_top1": lambda sums: float(sums[FIRST] / sums[TOKENS]),
    "mask_top5": lambda sums: float(sums[NEAR] / sums[TOKENS]),
}


@dataclass(frozen=True)
class MaskPredictions(Predictions):
    """counts: (items, tokens nats first near)."""

    counts: Floats


@dataclass(frozen=True)
class MaskSample(Sample):
    """Items with counts that add up."""

    counts: Floats

    @property
    def offers(self) -> frozenset[Need]:
        return GUESSES

    def per_item(self, use: MetricUse) -> Floats | None:
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        formula = FORMULAS[use.name]
        return lambda weights: formula(weights @ self.counts)

    def signature(self, use: MetricUse) -> str:
        return "hidden:every token, one at a time"


def _read(definition: Definition, folder: Path) -> MaskPredictions:
    ids, counts = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, numbers = row.get("id"), [row.get(name) for name in ("tokens", "nats", "first", "near")]
        if not isinstance(key, str) or not _plausible(*numbers):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or counts that cannot be.")
        ids.append(key)
        counts.append(numbers)
    return MaskPredictions(ids=tuple(ids), counts=np.array(counts, dtype=np.float64))


def _plausible(tokens: object, nats: object, first: object, near: object) -> bool:
    if type(tokens) is not int or type(first) is not int or type(near) is not int or type(nats) not in (int, float):
        return False
    return tokens >= 1 and 0 <= first <= near <= tokens and 0 <= nats < math.inf  # type: ignore[operator]  # a number


def _sample(definition: Definition, gold: Gold, found: MaskPredictions, place: dict[str, int]) -> MaskSample:
    own = found.counts[[place[row["id"]] for row in gold]]
    size = np.array([[row["bytes"]] for row in gold], dtype=np.float64)
    return MaskSample(
        **items_of(gold),
        counts=np.hstack([own, size]),
    )


KIND = AnswerKind(read=_read, sample=_sample)
