"""Corpus metrics that depend on sums over items alone: a draw of items is then one small product of matrices."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np

from evaluation.metrics.arrays import Floats, Ints

MOST_NUMBERS: Final = 20_000_000  # in a table of sums; 160 MB

V = TypeVar("V", float, Floats)  # one number, or one of each class


@dataclass(frozen=True)
class Totals(Generic[V]):
    """A metric as sums and what is made of them."""

    columns: int
    of_groups: Callable[[Ints, int], Floats]  # the group of each item, the number of groups → (groups, columns)
    value: Callable[[Floats], V]  # one row of sums → the metric


def of_table(table: Floats, value: Callable[[Floats], float]) -> Totals[float]:
    """Of a table with one row per item."""
    return Totals(table.shape[1], lambda groups, count: sums(groups, count, table), value)


def of_mean(values: Floats) -> Totals[float]:
    """Of the mean of one number per item."""
    return of_table(np.stack([values, np.ones(len(values))], axis=1), lambda row: float(row[0] / row[1]))


def sums(groups: Ints, count: int, table: Floats) -> Floats:
    """(groups, columns): the rows of each group added up."""
    return np.stack([np.bincount(groups, weights=column, minlength=count) for column in table.T], axis=1)


def counts(groups: Ints, count: int, kinds: Ints, most: int, weights: Floats | None = None) -> Floats:
    """(groups, kinds): how often each kind occurs in each group."""
    return (
        np.bincount(groups * most + kinds, weights=weights, minlength=count * most).reshape(count, most).astype(float)
    )
