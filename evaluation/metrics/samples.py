"""Items with their judgement, ready for any metric; a slice is a smaller sample."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from evaluation.benchmarks.schema import MetricUse
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.totals import Totals

Gold = Sequence[Mapping[str, Any]]  # rows as described in benchmarks.readers.Items
Statistic = Callable[[Floats], float]  # how often each item counts → value


@dataclass(frozen=True)
class Decisions:
    """One class for each item: what is true, and what was said."""

    names: tuple[str, ...]  # of the classes, by number
    gold: Ints
    predicted: Ints
    probabilities: Floats | None  # (items, classes)


@dataclass(frozen=True)
class ByClass:
    """One metric of each class alone: all of them from one look at the items, and from one set of draws."""

    names: Sequence[str]
    statistic: Callable[[Floats], Floats]  # how often each item counts → one number per class
    totals: Totals[Floats] | None = None  # the same as a function of sums, where it is one


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
        indexes = chosen.tolist()
        clusters = None if self.clusters is None else cluster_numbers(self.clusters[chosen].tolist())
        arrays = {
            field.name: value[chosen]
            for field in dataclasses.fields(self)
            if field.name != "clusters" and isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return dataclasses.replace(
            self,
            rows=[self.rows[index] for index in indexes],
            groups=[self.groups[index] for index in indexes],
            clusters=clusters,
            **arrays,
        )

    @property
    @abstractmethod
    def offers(self) -> frozenset[Need]:
        """What metrics may need and find here."""

    @abstractmethod
    def per_item(self, use: MetricUse) -> Floats | None:
        """One number per item whose mean is the metric; None for a corpus metric."""

    @property
    def decisions(self) -> Decisions | None:
        """Where each item is given one class out of a list; else None."""
        return None

    def per_class(self, use: MetricUse) -> "ByClass | None":
        """The metric of each class alone; None where it has no such parts."""
        return None

    def signature(self, use: MetricUse) -> str:
        """What else decides the number, for its record: a tagging scheme, a normaliser, sacrebleu's signature."""
        return ""

    def totals(self, use: MetricUse) -> Totals[float] | None:
        """A corpus metric as a function of sums, where it is one: resampling is many times faster."""
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        """The metric as a function of how often each item counts."""
        values = self.per_item(use)
        assert values is not None, f"{use.name} is a corpus metric"
        return lambda weights: float(np.average(values, weights=weights))


class ItemColumns(TypedDict):
    """What every sample says of its items."""

    rows: Gold
    groups: Sequence[str]
    clusters: Ints | None


def items_of(gold: Gold) -> ItemColumns:
    """One item for each row of the gold."""
    return ItemColumns(
        rows=gold,
        groups=[str(row.get("group", "")) for row in gold],
        clusters=cluster_numbers([row.get("cluster") for row in gold]),
    )


def cluster_numbers(names: Sequence[object]) -> Ints | None:
    """Numbers for names of clusters; None when no two items share one."""
    if any(name is None for name in names) or len(set(names)) == len(names):
        return None
    number = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names])
