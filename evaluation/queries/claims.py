"""Claims of model cards that plainly speak of one of our benchmarks (ux.md 6).

A card may call anything "accuracy on test data". A claim stands beside a board only where it names the benchmark
itself, or its data, together with the very metric the board ranks by; all others stay on the page of their model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from catalog.models import Repo, RepoFacts, User
from evaluation.metrics.registry import REGISTRY
from evaluation.models import Benchmark
from evaluation.queries.leaderboard import BoardFilter
from evaluation.queries.naming import names_of, plain

MOST_READ: Final = 2000  # cards with claims, the most downloaded
MOST_CLAIMS: Final = 200


@dataclass(frozen=True)
class ClaimRow:
    """What one card states for a benchmark. Nobody here has checked it, so it has no rank."""

    repo: Repo  # namespace and facts selected
    metric: str
    value: float  # proportions 0 to 1
    is_proportion: bool
    commit_oid: str  # the revision whose card says so
    parameters: int | None
    licence: str
    source_url: str


def claims_for(benchmark: Benchmark, *, user: User | None, narrowed: BoardFilter | None = None) -> list[ClaimRow]:
    """The claims this person may see, best first; one per model, the best where a card states several."""
    narrowed = narrowed or BoardFilter()
    if narrowed.memory_max is not None:  # that is what a run took, and nothing here ran
        return []
    facts = (
        RepoFacts.objects.filter(kind=Repo.Kind.MODEL, task__in=benchmark.accepts)
        .filter(repo__in=Repo.objects.visible_to(user))
        .exclude(claims=[])
        .select_related("repo__namespace", "commit")
        .defer("document", "card_html", "card_data", "config", "commit__raw")
        .order_by("-downloads", "-pk")
    )
    if narrowed.licence:
        facts = facts.filter(licence=narrowed.licence)
    if narrowed.parameters_max is not None:
        facts = facts.filter(parameters__lte=narrowed.parameters_max)
    rows = [row for one in facts[:MOST_READ] for row in _best_of(one, benchmark)]
    rows.sort(key=lambda row: row.value, reverse=benchmark.higher_is_better)
    return rows[:MOST_CLAIMS]


def _best_of(facts: RepoFacts, benchmark: Benchmark) -> list[ClaimRow]:
    found = [row for claim in facts.claims if (row := _row(facts, claim, benchmark)) is not None]
    best = max if benchmark.higher_is_better else min
    return [best(found, key=lambda row: row.value)] if found else []


def _row(facts: RepoFacts, claim: dict[str, object], benchmark: Benchmark) -> ClaimRow | None:
    stated = claim.get("value")
    if not _speaks_of(claim, benchmark) or not isinstance(stated, int | float) or not math.isfinite(stated):
        return None
    value = float(stated)
    if _is_proportion(benchmark):
        value = round(value / 100, 12) if 1 < value <= 100 else value  # cards write 0.93 or 93
        if not 0 <= value <= 1:
            return None
    return ClaimRow(
        repo=facts.repo,
        metric=benchmark.primary_metric,
        value=value,
        is_proportion=_is_proportion(benchmark),
        commit_oid=facts.commit.oid if facts.commit else "",
        parameters=facts.parameters,
        licence=facts.licence,
        source_url=str(claim.get("source_url") or ""),
    )


def _speaks_of(claim: dict[str, object], benchmark: Benchmark) -> bool:
    named = {plain(claim.get("dataset")), plain(claim.get("dataset_name"))}
    metrics = {plain(claim.get("metric")), plain(claim.get("metric_name"))}
    return bool(named & names_of(benchmark)) and plain(benchmark.primary_metric) in metrics


def _is_proportion(benchmark: Benchmark) -> bool:
    metric = REGISTRY.get(benchmark.primary_metric)
    return metric is not None and metric.unit == "proportion"
