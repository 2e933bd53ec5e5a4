"""One label per item, with or without the probability of every label."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.accuracy import hits
from evaluation.metrics.formulas.brier import brier
from evaluation.metrics.formulas.confusion import confusion
from evaluation.metrics.formulas.ece import ece, places
from evaluation.metrics.formulas.log_loss import log_loss
from evaluation.metrics.formulas.macro_f1 import (
    f1s,
    macro_f1,
    macro_f1_of,
    macro_precision,
    macro_precision_of,
    macro_recall,
    macro_recall_of,
    precisions,
    recalls,
)
from evaluation.metrics.formulas.mcc import mcc, mcc_of
from evaluation.metrics.formulas.top_k import hits_among_top
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.registry.labels import LABELS, PROBABILITIES
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import ByClass, Decisions, Gold, Sample, Statistic, items_of
from evaluation.metrics.totals import Totals, V, counts

SUM_TOLERANCE = 1e-3

CORPUS = {"macro_f1": macro_f1, "macro_precision": macro_precision, "macro_recall": macro_recall, "mcc": mcc}
OF_MARGINS = {  # from what each class has of right answers, items and predictions
    "macro_f1": macro_f1_of, "macro_precision": macro_precision_of, "macro_recall": macro_recall_of, "mcc": mcc_of,
}  # fmt: skip
OF_CLASSES = {"macro_f1": f1s, "macro_precision": precisions, "macro_recall": recalls}  # from the same margins


@dataclass(frozen=True)
class LabelPredictions(Predictions):
    """Labels by name; probabilities (items, labels) sum to 1 in each row, in the order of the definition's labels."""

    labels: tuple[str, ...]
    probabilities: Floats | None = None


@dataclass(frozen=True)
class LabelSample(Sample):
    """Classified items."""

    names: tuple[str, ...]  # of the classes, by number
    gold: Ints
    predicted: Ints
    probabilities: Floats | None

    @property
    def offers(self) -> frozenset[Need]:
        return LABELS if self.probabilities is None else PROBABILITIES

    @property
    def decisions(self) -> Decisions:
        return Decisions(self.names, self.gold, self.predicted, self.probabilities)

    def per_item(self, use: MetricUse) -> Floats | None:
        if use.name == "accuracy":
            return hits(self.gold, self.predicted)
        if use.name == "top5":
            return hits_among_top(self.gold, self._needed(use), 5)
        if use.name == "brier":
            return brier(self.gold, self._needed(use))
        if use.name == "log_loss":
            return log_loss(self.gold, self._needed(use))
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        if use.name == "ece":
            confidence, right = self._needed(use).max(axis=1), hits(self.gold, self.predicted)
            bins = int(use.params.get("bins", REGISTRY["ece"].params["bins"]))
            return lambda weights: ece(confidence, right, bins, weights)
        formula = CORPUS.get(use.name)
        return super().statistic(use) if formula is None else self._of_confusion(formula)

    def per_class(self, use: MetricUse) -> ByClass | None:
        formula = OF_CLASSES.get(use.name)
        if formula is None:
            return None
        together = np.zeros(len(self), dtype=np.int64)

        def of_classes(weights: Floats) -> Floats:
            return formula(*(margin[0] for margin in self._margins(together, 1, weights)))

        return ByClass(self.names, of_classes, self._of_margins(formula))

    def _of_confusion(self, formula: Callable[[Floats], float]) -> Statistic:
        return lambda weights: formula(confusion(self.gold, self.predicted, len(self.names), weights))

    def totals(self, use: MetricUse) -> Totals[float] | None:
        if use.name == "ece":
            return self._totals_of_ece(int(use.params.get("bins", REGISTRY["ece"].params["bins"])))
        formula = OF_MARGINS.get(use.name)
        return None if formula is None else self._of_margins(formula)

    def _of_margins(self, formula: Callable[[Floats, Floats, Floats], V]) -> Totals[V]:
        def of_groups(groups: Ints, count: int) -> Floats:
            return np.hstack(self._margins(groups, count))

        classes = len(self.names)
        return Totals(
            3 * classes,
            of_groups,
            lambda row: formula(row[:classes], row[classes : 2 * classes], row[2 * classes :]),
        )

    def _margins(self, groups: Ints, count: int, weights: Floats | None = None) -> list[Floats]:
        """Of each group, three times (groups, classes): right answers, items and predictions."""
        right = hits(self.gold, self.predicted)
        right = right if weights is None else right * weights
        kinds = (self.gold, right), (self.gold, weights), (self.predicted, weights)
        return [counts(groups, count, numbers, len(self.names), own) for numbers, own in kinds]

    def _totals_of_ece(self, bins: int) -> Totals[float]:
        probabilities = self._needed(MetricUse(name="ece"))
        confidence = probabilities.max(axis=1)
        gaps, place = hits(self.gold, self.predicted) - confidence, places(confidence, bins)

        def of_groups(groups: Ints, count: int) -> Floats:
            items = np.bincount(groups, minlength=count).astype(float)
            return np.column_stack([counts(groups, count, place, bins, gaps), items])

        return Totals(bins + 1, of_groups, lambda row: float(np.abs(row[:-1]).sum() / row[-1]))

    def _needed(self, use: MetricUse) -> Floats:
        if self.probabilities is None:
            raise BadOutput(f"The metric {use.name} needs probabilities, and the run sent none.")
        return self.probabilities


def _read_labels(definition: Definition, folder: Path) -> LabelPredictions:
    ids, labels = [], []
    numbers = array("d")  # a million lists of objects would be a gigabyte
    known = {name: name for name in definition.label_names}  # one text per label, however often it is read
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, label = row.get("id"), row.get("label")
        if not isinstance(key, str) or not isinstance(label, str) or label not in known:
            raise BadOutput(
                f"Line {number} of predictions.jsonl has no id or a label that the benchmark does not know."
            )
        ids.append(key)
        labels.append(known[label])
        if "probs" in row:
            _append(numbers, row["probs"], len(known), number)
    if numbers and len(numbers) != len(ids) * len(known):
        raise BadOutput("Some predictions have probabilities and some have none.")
    probabilities = _probabilities(numbers, len(known)) if numbers else None
    return LabelPredictions(ids=tuple(ids), labels=tuple(labels), probabilities=probabilities)


def _append(numbers: "array[float]", values: object, count: int, number: int) -> None:
    is_list = isinstance(values, list) and len(values) == count and set(map(type, values)) <= {int, float}
    if not is_list or not isinstance(values, list):
        raise BadOutput(f"Line {number} of predictions.jsonl has no probability for each of the {count} labels.")
    numbers.extend(values)


def _probabilities(numbers: "array[float]", count: int) -> Floats:
    """Checked and made to sum to 1: single precision leaves an error in the seventh digit."""
    table: Floats = np.frombuffer(numbers, dtype=np.float64).reshape(-1, count)
    totals = table.sum(axis=1)
    fits = (np.abs(totals - 1) <= SUM_TOLERANCE) & (table.min(axis=1) >= 0) & (table.max(axis=1) <= 1)  # no NaN does
    if not fits.all():
        line = int(np.argmin(fits)) + 1
        raise BadOutput(f"The probabilities in line {line} of predictions.jsonl are not finite or do not sum to 1.")
    shares: Floats = table / totals[:, None]
    return shares


def _sample(definition: Definition, gold: Gold, found: LabelPredictions, place: dict[str, int]) -> LabelSample:
    number = {name: index for index, name in enumerate(definition.label_names)}
    order = np.fromiter((place[row["id"]] for row in gold), np.int64, len(gold))
    predicted = np.fromiter((number[label] for label in found.labels), np.int64, len(found.labels))
    probabilities = found.probabilities
    if probabilities is not None and (np.diff(order) != 1).any():  # else in this order already: no second copy
        probabilities = probabilities[order]
    return LabelSample(
        **items_of(gold),
        names=definition.label_names,
        gold=np.fromiter((number[row["label"]] for row in gold), np.int64, len(gold)),
        predicted=predicted[order],
        probabilities=probabilities,
    )


KIND = AnswerKind(read=_read_labels, sample=_sample)
