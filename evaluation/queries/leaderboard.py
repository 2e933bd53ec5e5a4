"""Leaderboards: the current score of every visible model on one benchmark version.

Ranks are ranges: models whose difference may be chance cannot be told apart (`queries.ties`, ux.md 6). Claimed
scores are never rows here; they stay in the facts of their repo (decision 13).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from catalog.models import Repo, User
from evaluation.metrics.costs import hardware_class, read_figures
from evaluation.models import Benchmark, Score
from evaluation.queries.staleness import stale_of_board
from evaluation.queries.ties import rank_ranges

MOST_ROWS: Final = 1000
GIGABYTE: Final = 10**9


@dataclass(frozen=True)
class BoardFilter:
    """What a reader narrows a board to; ranks count among the models shown."""

    licence: str = ""
    parameters_max: int | None = None
    memory_max: int | None = None  # bytes that the run took at most


@dataclass(frozen=True)
class BoardRow:
    """One model revision on one benchmark version."""

    rank_first: int
    rank_last: int
    repo: Repo  # namespace and facts selected
    score: Score  # run selected
    parameters: int | None
    licence: str
    p50_ms: float | None
    items_per_second: float | None
    is_frontier: bool  # no model of this size or smaller scores higher
    hardware_class: str = ""  # speed, memory and energy compare within one alone
    peak_bytes: float | None = None  # of the run: on the GPU, else resident
    joules: float | None = None  # an item
    is_stale: bool = False  # weights, config or tokenizer changed since it was measured

    @property
    def rank(self) -> str:
        """`1` or `1–3`."""
        return str(self.rank_first) if self.rank_first == self.rank_last else f"{self.rank_first}–{self.rank_last}"


def leaderboard(benchmark: Benchmark, *, user: User | None, narrowed: BoardFilter | None = None) -> list[BoardRow]:
    """The rows this person may see, best first; at most a thousand."""
    order = "-value" if benchmark.higher_is_better else "value"
    scores = (
        Score.objects.leading()
        .filter(benchmark=benchmark)
        .visible_to(user)
        .select_related("run", "repo__namespace", "repo__facts", "repo__facts__commit")
        .defer("repo__facts__document", "repo__facts__card_html", "repo__facts__card_data", "run__log")
        .order_by(order, "pk")
    )
    narrowed = narrowed or BoardFilter()
    engine = str((benchmark.definition.get("engine") or {}).get("name", "native"))
    rows = [_row(score, engine) for score in scores[:MOST_ROWS]]
    wanted = [row for row in rows if _is_wanted(row, narrowed)]
    stale = stale_of_board(row.score for row in wanted)
    dated = [replace(row, is_stale=row.score.run_id in stale) for row in wanted]
    return _marked(_ranked(dated, benchmark), benchmark)


def hardware_classes(rows: Sequence[BoardRow]) -> list[str]:
    """Those of the rows, the one of most rows first."""
    counted = Counter(row.hardware_class for row in rows)
    return sorted(counted, key=lambda name: (-counted[name], name))


def comparable(rows: Sequence[BoardRow], hardware_class: str) -> list[BoardRow]:
    """The same rows, without what other hardware measured of speed, memory and energy."""

    def blanked(row: BoardRow) -> BoardRow:
        return replace(row, p50_ms=None, items_per_second=None, peak_bytes=None, joules=None)

    return [row if row.hardware_class == hardware_class else blanked(row) for row in rows]


def measured_benchmarks(user: User | None) -> set[int]:
    """Keys of the benchmarks on which this person sees any score."""
    return set(Score.objects.leading().visible_to(user).order_by().values_list("benchmark_id", flat=True).distinct())


def frontier(points: Sequence[tuple[float, float]], *, higher_is_better: bool) -> list[int]:
    """Indexes of the (size, score) points that nothing of equal or smaller size beats, by size."""
    sign = 1 if higher_is_better else -1
    best, found = -math.inf, []
    for index in sorted(range(len(points)), key=lambda index: (points[index][0], -sign * points[index][1])):
        if sign * points[index][1] > best:
            best = sign * points[index][1]
            found.append(index)
    return found


def _row(score: Score, engine: str) -> BoardRow:
    facts = getattr(score.repo, "facts", None)
    at_head = facts is not None and facts.commit is not None and facts.commit.oid == score.commit_oid
    measured = score.run.measurements
    stated = facts.parameters if facts is not None and at_head else None
    parameters = stated or _number(measured.get("parameters"))
    figures = {reading.name: reading.value for reading in read_figures(measured)}
    return BoardRow(
        rank_first=0,
        rank_last=0,
        repo=score.repo,
        score=score,
        parameters=int(parameters) if parameters else None,
        licence=facts.licence if facts is not None else "",
        p50_ms=_number(figures.get("latency_p50_ms")),
        items_per_second=_number(measured.get("items_per_second")),
        is_frontier=False,
        hardware_class=hardware_class(score.run.provenance.get("hardware"), measured, engine),
        peak_bytes=_peak(measured),
        joules=_number(figures.get("energy_joules_per_item")),
    )


def _peak(measured: Mapping[str, Any]) -> float | None:
    stated = measured.get("peak")
    peaks = stated if isinstance(stated, dict) else {}
    return _number(peaks.get("vram_bytes")) or _number(peaks.get("rss_bytes"))


def _is_wanted(row: BoardRow, narrowed: BoardFilter) -> bool:
    if narrowed.licence and row.licence != narrowed.licence:
        return False
    if narrowed.memory_max is not None and (row.peak_bytes is None or row.peak_bytes > narrowed.memory_max):
        return False
    limit = narrowed.parameters_max
    return limit is None or (row.parameters is not None and row.parameters <= limit)


def _ranked(rows: list[BoardRow], benchmark: Benchmark) -> list[BoardRow]:
    ranges = rank_ranges([row.score for row in rows], benchmark)
    return [replace(row, rank_first=first, rank_last=last) for row, (first, last) in zip(rows, ranges, strict=True)]


def _marked(rows: list[BoardRow], benchmark: Benchmark) -> list[BoardRow]:
    sized = [index for index, row in enumerate(rows) if row.parameters]
    points = [(float(rows[index].parameters or 0), rows[index].score.value) for index in sized]
    on_it = {sized[index] for index in frontier(points, higher_is_better=benchmark.higher_is_better)}
    return [replace(row, is_frontier=index in on_it) for index, row in enumerate(rows)]


def _number(value: object) -> float | None:
    """A positive figure of a node's measurements; anything else is not known."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 < value < 1e15 else None
