"""Several labels per item, or none.

A line of predictions.jsonl: {"id", "probs": [of each label by itself]}. A row of gold: {"id", "labels": [name, …], …}.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.average_precision import Ranking
from evaluation.metrics.formulas.shares import f1, shares
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.multilabel import SEPARATE
from evaluation.metrics.samples import ByClass, Gold, Sample, Statistic, items_of

GIVEN_FROM = 0.5


@dataclass(frozen=True)
class SeparatePredictions(Predictions):
    """probabilities: (items, labels), each from 0 to 1 by itself."""

    probabilities: Floats


@dataclass(frozen=True)
class MultiLabelSample(Sample):
    """Items with the labels they have, (items, labels), and the probabilities they were given."""

    names: tuple[str, ...]
    true: Floats
    probabilities: Floats

    @property
    def offers(self) -> frozenset[Need]:
        return SEPARATE

    def per_item(self, use: MetricUse) -> Floats | None:
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        if use.name == "multilabel_map":
            return self._mean_average_precision()
        counts = self._counts()
        if use.name == "multilabel_micro_f1":
            return lambda weights: f1(*np.tensordot(weights, counts, axes=1).sum(axis=0))
        return lambda weights: float(np.mean(_f1s(weights, counts)))

    def per_class(self, use: MetricUse) -> ByClass | None:
        if use.name == "multilabel_map":
            each = [ranking.average_precision for ranking in self._rankings()]
            return ByClass(self.names, lambda weights: np.array([one(weights) or 0.0 for one in each]))
        if use.name == "multilabel_macro_f1":
            counts = self._counts()
            return ByClass(self.names, lambda weights: _f1s(weights, counts))
        return None

    def _rankings(self) -> list[Ranking]:
        return [Ranking.of(self.true[:, n], self.probabilities[:, n]) for n in range(len(self.names))]

    def _mean_average_precision(self) -> Statistic:
        rankings = self._rankings()

        def mean(weights: Floats) -> float:
            found = [ranking.average_precision(weights) for ranking in rankings]
            present = [value for value in found if value is not None]
            return float(np.mean(present)) if present else 0.0

        return mean

    def _counts(self) -> Floats:
        """(items, labels, right found true) of decisions."""
        given = (self.probabilities >= GIVEN_FROM).astype(np.float64)
        return np.stack([given * self.true, given, self.true], axis=2)


def _f1s(weights: Floats, counts: Floats) -> Floats:
    """(labels,) for items drawn `weights` times."""
    right, found, true = np.tensordot(weights, counts, axes=1).T
    return shares(2 * right, found + true)


def _read(definition: Definition, folder: Path) -> SeparatePredictions:
    count = len(definition.label_names)
    ids, rows = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, values = row.get("id"), row.get("probs")
        if not isinstance(key, str) or not isinstance(values, list) or len(values) != count:
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no probability for each label.")
        if not all(type(value) in (int, float) and 0 <= value <= 1 for value in values):
            raise BadOutput(f"The probabilities in line {number} of predictions.jsonl are not numbers from 0 to 1.")
        ids.append(key)
        rows.append(values)
    return SeparatePredictions(ids=tuple(ids), probabilities=np.array(rows, dtype=np.float64))


def _sample(definition: Definition, gold: Gold, found: SeparatePredictions, place: dict[str, int]) -> MultiLabelSample:
    names = definition.label_names
    return MultiLabelSample(
        **items_of(gold),
        names=names,
        true=np.array([[float(name in row["labels"]) for name in names] for row in gold]),
        probabilities=found.probabilities[[place[row["id"]] for row in gold]],
    )


KIND = AnswerKind(read=_read, sample=_sample)
