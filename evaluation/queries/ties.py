"""Which rows of a board share a rank: by the difference on the same items, where what each scored was kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np
from django.core.cache import cache

from evaluation.metrics import ties
from evaluation.metrics.ties import Flags
from evaluation.models import Benchmark, ItemColumn, Score

MOST_NUMBERS: Final = 10_000_000  # models times items; beyond that a board uses the intervals alone
KEPT_SECONDS: Final = 86_400


def rank_ranges(scores: Sequence[Score], benchmark: Benchmark) -> list[tuple[int, int]]:
    """For each score the best and the worst rank it can have among these; runs selected."""
    if not scores:
        return []
    key = f"ties:{benchmark.pk}:{_digest_of(scores, benchmark.primary_metric)}"
    known: list[tuple[int, int]] | None = cache.get(key)
    if known is None:
        known = ties.rank_ranges(_ahead(scores, benchmark))
        cache.set(key, known, KEPT_SECONDS)
    return known


def _ahead(scores: Sequence[Score], benchmark: Benchmark) -> Flags:
    lows, highs = (np.array([_bounds(score)[side] for score in scores]) for side in (0, 1))
    higher = benchmark.higher_is_better
    found = ties.ahead_by_intervals(lows, highs, higher_is_better=higher)
    level = float(benchmark.definition.get("uncertainty", {}).get("level", 0.95))
    for columns, clusters, places in _alike(scores, benchmark.primary_metric):
        paired = ties.ahead(
            [one.column for one in columns],
            None if clusters is None else clusters.column.values.astype(np.int64),
            level=level,
            higher_is_better=higher,
        )
        found[np.ix_(places, places)] = paired
    return found


def _alike(scores: Sequence[Score], metric: str) -> list[tuple[list[ItemColumn], ItemColumn | None, list[int]]]:
    """Groups of rows that answered the same items: their columns, the items' clusters, their places in `scores`."""
    lengths = {score.run_id: score.n for score in scores}
    if sum(lengths.values()) > MOST_NUMBERS:
        return []
    place = {score.run_id: at for at, score in enumerate(scores)}
    digest = {score.run_id: score.run.inputs_digest for score in scores}
    kept = list(ItemColumn.objects.filter(run_id__in=place, metric__in=[metric, ""]))
    clusters = {one.run_id: one for one in kept if one.kind == ItemColumn.Kind.CLUSTERS}
    usable = [one for one in kept if one.metric == metric and digest[one.run_id]]

    def of_one_kind(one: ItemColumn) -> tuple[str, str, int, bool]:
        return digest[one.run_id], one.kind, one.length, one.run_id in clusters

    groups = [list(found) for _, found in groupby(sorted(usable, key=of_one_kind), key=of_one_kind)]
    return [(group, clusters.get(group[0].run_id), [place[one.run_id] for one in group]) for group in groups]


def _bounds(score: Score) -> tuple[float, float]:
    low = score.low if score.low is not None else score.value
    return low, score.high if score.high is not None else score.value


def _digest_of(scores: Sequence[Score], metric: str) -> str:
    """Neither scores nor columns are ever changed, so their ids say all; a re-scoring may replace columns alone."""
    columns = ItemColumn.objects.filter(run_id__in=[score.run_id for score in scores], metric__in=[metric, ""])
    ids = [[score.pk for score in scores], list(columns.order_by("pk").values_list("pk", flat=True))]
    return hashlib.sha256(json.dumps(ids).encode()).hexdigest()
