"""Items with their judgement, ready for any metric; a slice is a smaller sample."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.benchmarks.definitions import MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.accuracy import hits
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.brier import brier
from evaluation.metrics.confusion import confusion
from evaluation.metrics.ece import ece
from evaluation.metrics.log_loss import log_loss
from evaluation.metrics.macro_f1 import macro_f1
from evaluation.metrics.mcc import mcc
from evaluation.metrics.mrr import reciprocal_rank
from evaluation.metrics.ndcg import ndcg_at
from evaluation.metrics.recall import recall_at
from evaluation.metrics.registry import LABELS, PROBABILITIES, RANKS, REGISTRY, Need
from evaluation.metrics.top_k import hits_among_top

Gold = Sequence[Mapping[str, Any]]  # rows as described in benchmarks.readers.Items
Statistic = Callable[[Floats], float]  # how often each item counts → value


@dataclass(frozen=True)
class Sample(ABC):
    """Scored items: one gold row each."""

    rows: Gold
    groups: Sequence[str]  # the pool in retrieval, else the gold's `group`
    clusters: Ints | None  # numbers 0, 1, 2, …; None where items are independent

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Ints) -> "Sample":
        """The items at these indexes; clusters are numbered anew."""
        names = [None] * len(chosen) if self.clusters is None else self.clusters[chosen].tolist()
        arrays = {
            field.name: value[chosen]
            for field in dataclasses.fields(self)
            if field.name != "clusters" and isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return dataclasses.replace(
            self,
            rows=[self.rows[index] for index in chosen],
            groups=[self.groups[index] for index in chosen],
            clusters=cluster_numbers(names),
            **arrays,
        )

    @property
    @abstractmethod
    def offers(self) -> frozenset[Need]:
        """What metrics may need and find here."""

    @abstractmethod
    def per_item(self, use: MetricUse) -> Floats | None:
        """One number per item whose mean is the metric; None for a corpus metric."""

    def statistic(self, use: MetricUse) -> Statistic:
        """The metric as a function of how often each item counts."""
        values = self.per_item(use)
        assert values is not None, f"{use.name} is a corpus metric"
        return lambda weights: float(np.average(values, weights=weights))


def cluster_numbers(names: Sequence[object]) -> Ints | None:
    """Numbers for names of clusters; None when no two items share one."""
    if any(name is None for name in names) or len(set(names)) == len(names):
        return None
    number = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names])


@dataclass(frozen=True)
class LabelSample(Sample):
    """Classified items."""

    classes: int
    gold: Ints
    predicted: Ints
    probabilities: Floats | None

    @property
    def offers(self) -> frozenset[Need]:
        return LABELS if self.probabilities is None else PROBABILITIES

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
        formula = {"macro_f1": macro_f1, "mcc": mcc}.get(use.name)
        if formula is None:
            return super().statistic(use)
        return lambda weights: formula(confusion(self.gold, self.predicted, self.classes, weights))

    def _needed(self, use: MetricUse) -> Floats:
        if self.probabilities is None:
            raise BadOutput(f"The metric {use.name} needs probabilities, and the run sent none.")
        return self.probabilities


@dataclass(frozen=True)
class RankSample(Sample):
    """Queries with the rank of their right answer; a query counts once per pool it searches."""

    ranks: Ints

    @property
    def offers(self) -> frozenset[Need]:
        return RANKS

    def per_item(self, use: MetricUse) -> Floats | None:
        name, _, cutoff = use.name.partition("@")
        if name == "recall":
            return recall_at(self.ranks, int(cutoff))
        if name == "ndcg":
            return ndcg_at(self.ranks, int(cutoff))
        return {"bitext_accuracy": recall_at(self.ranks, 1), "mrr": reciprocal_rank(self.ranks)}[use.name]
