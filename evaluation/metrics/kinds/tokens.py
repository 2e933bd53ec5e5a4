"""One label per word of each item.

A line of predictions.jsonl: {"id", "labels": [name, …]}. A row of gold: {"id", "labels": [name, …], "cluster"?, …}.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.entities import entities, is_iob2
from evaluation.metrics.formulas.shares import share, shares
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.entities import ENTITIES, WORDS
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import ByClass, Gold, Sample, Statistic, items_of

RIGHT, FOUND, TRUE = range(3)  # columns of counts


@dataclass(frozen=True)
class TokenPredictions(Predictions):
    """labels: of each item one name per word."""

    labels: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class TokenSample(Sample):
    """Items with counts that add up: words (items, right and all), entities (items, types, right found true)."""

    types: tuple[str, ...]
    words: Floats
    counts: Floats

    @property
    def offers(self) -> frozenset[Need]:
        return ENTITIES if self.types else WORDS

    def per_item(self, use: MetricUse) -> Floats | None:
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        if use.name == "token_accuracy":
            return lambda weights: share(*(weights @ self.words))
        if not self.types:
            raise BadOutput(f"The metric {use.name} needs labels of the form B-X and I-X.")
        if use.name == "entity_macro_f1":
            return lambda weights: _macro(self._sums(weights))
        formula = OF_TYPES[use.name]
        return lambda weights: float(formula(self._sums(weights).sum(axis=0, keepdims=True))[0])

    def per_class(self, use: MetricUse) -> ByClass | None:
        formula = OF_TYPES.get(use.name)
        return None if formula is None else ByClass(self.types, lambda weights: formula(self._sums(weights)))

    def _sums(self, weights: Floats) -> Floats:
        """(types, right found true)"""
        sums: Floats = np.tensordot(weights, self.counts, axes=1)
        return sums

    def signature(self, use: MetricUse) -> str:
        return "first token of each word" if use.name == "token_accuracy" else "mode:strict|scheme:IOB2|first token"


def _macro(sums: Floats) -> float:
    """Types that occur in neither truth nor answers are left out, as seqeval does."""
    present = sums[:, FOUND] + sums[:, TRUE] > 0
    return float(OF_TYPES["entity_f1"](sums)[present].mean()) if present.any() else 0.0


OF_TYPES: dict[str, Callable[[Floats], Floats]] = {  # from (types, right found true), for each type
    "entity_f1": lambda sums: shares(2 * sums[:, RIGHT], sums[:, FOUND] + sums[:, TRUE]),
    "entity_precision": lambda sums: shares(sums[:, RIGHT], sums[:, FOUND]),
    "entity_recall": lambda sums: shares(sums[:, RIGHT], sums[:, TRUE]),
}


def _read(definition: Definition, folder: Path) -> TokenPredictions:
    known = set(definition.label_names)
    ids, labels = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, own = row.get("id"), row.get("labels")
        if not isinstance(key, str) or not isinstance(own, list):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no labels.")
        if not all(isinstance(label, str) and label in known for label in own):
            raise BadOutput(f"Line {number} of predictions.jsonl has a label that the benchmark does not know.")
        ids.append(key)
        labels.append(tuple(own))
    return TokenPredictions(ids=tuple(ids), labels=tuple(labels))


def _sample(definition: Definition, gold: Gold, found: TokenPredictions, place: dict[str, int]) -> TokenSample:
    names = definition.label_names
    types = tuple(sorted({name[2:] for name in names if name != "O"})) if is_iob2(names) else ()
    words, counts = [], []
    for row in gold:
        own = found.labels[place[row["id"]]]
        if len(own) != len(row["labels"]):
            raise BadOutput(f"An item has {len(row['labels'])} words, and the run labelled {len(own)}.")
        words.append((sum(map(str.__eq__, own, row["labels"])), len(own)))
        counts.append(_counts(own, row["labels"], types))
    return TokenSample(
        **items_of(gold),
        types=types,
        words=np.array(words, dtype=np.float64),
        counts=np.array(counts, dtype=np.float64).reshape(len(gold), len(types), 3),
    )


def _counts(own: Sequence[str], true: Sequence[str], types: Sequence[str]) -> list[tuple[int, int, int]]:
    """Of each type: entities right, found and true."""
    answered, wanted = entities(own), entities(true)
    right = answered & wanted
    return [tuple(sum(one[2] == kind for one in group) for group in (right, answered, wanted)) for kind in types]  # type: ignore[misc]  # three groups


KIND = AnswerKind(read=_read, sample=_sample)
