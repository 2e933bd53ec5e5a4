"""Which items belong to which part of a slice."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from evaluation.benchmarks.schema import Slice
from evaluation.metrics.arrays import Ints
from evaluation.metrics.samples import Sample

FAIRNESS_LEAST: Final = 30  # items of a group that is compared, where the definition says nothing


def least_of(part: Slice) -> int:
    """So many items a part needs to have a number."""
    return FAIRNESS_LEAST if part.role == "fairness" and part.min_n == 1 else part.min_n


def size_of(sample: Sample, chosen: Ints, part: Slice) -> int:
    """Items of a part; groups that are compared count what is independent: a cluster once."""
    if part.role != "fairness" or sample.clusters is None:
        return len(chosen)
    return len(np.unique(sample.clusters[chosen]))


def members(part: Slice, sample: Sample) -> Iterator[tuple[str, Ints]]:
    """(name, indexes) of each part that has items."""
    if part.by == "chars":
        names: Sequence[str] = [_bin(part.bins, float(row.get("chars", 0))) for row in sample.rows]
        order = [_bin(part.bins, edge) for edge in part.bins]
    else:
        names = _names(part.by, sample)
        order = sorted(set(names))
    number = {name: at for at, name in enumerate(order)}
    places = np.array([number.get(name, -1) for name in names], dtype=np.int64)
    for name, at in number.items():
        chosen = np.flatnonzero(places == at)
        if name and len(chosen):
            yield name, chosen


def _names(by: str, sample: Sample) -> Sequence[str]:
    if by == "group":
        return sample.groups
    if by == "label":
        return [str(row.get("label", "")) for row in sample.rows]
    field = by.removeprefix("field:")
    return [str(row.get("fields", {}).get(field, "")) for row in sample.rows]


def _bin(edges: tuple[float, ...], value: float) -> str:
    """Like "30-60" for 30 ≤ value < 60, "60+" for the last, "" below the first edge."""
    for low, high in zip(edges, (*edges[1:], None), strict=True):
        if value >= low and (high is None or value < high):
            return f"{low:g}+" if high is None else f"{low:g}-{high:g}"
    return ""
