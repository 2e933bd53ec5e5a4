"""Which items belong to which part of a slice."""

from collections.abc import Iterator
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
        names = [_bin(part.bins, float(row.get("chars", 0))) for row in sample.rows]
        order = [_bin(part.bins, edge) for edge in part.bins]
    else:
        names = [_named(part.by, sample, index) for index in range(len(sample))]
        order = sorted(set(names))
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(name, []).append(index)
    for name in order:
        if name and name in places:
            yield name, np.array(places[name], dtype=np.int64)


def _named(by: str, sample: Sample, index: int) -> str:
    if by == "group":
        return sample.groups[index]
    row = sample.rows[index]
    return str(row.get("label", "") if by == "label" else row.get("fields", {}).get(by.removeprefix("field:"), ""))


def _bin(edges: tuple[float, ...], value: float) -> str:
    """Like "30-60" for 30 ≤ value < 60, "60+" for the last, "" below the first edge."""
    for low, high in zip(edges, (*edges[1:], None), strict=True):
        if value >= low and (high is None or value < high):
            return f"{low:g}+" if high is None else f"{low:g}-{high:g}"
    return ""
