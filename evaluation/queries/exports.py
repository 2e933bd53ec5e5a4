"""Our scores in the shapes that other hubs and their clients read: `.eval_results` and `model-index`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from django.conf import settings

from catalog.models import Repo
from catalog.queries.measured_results import MeasuredResults
from evaluation.models import Score
from evaluation.queries.naming import named_filters

Json = dict[str, Any]


def measured(repo_ids: Sequence[int], site: str) -> Mapping[int, MeasuredResults]:
    """The current scores over all items of these repos, in one query; a team's own benchmarks stay at home."""
    rows = (
        Score.objects.filter(repo_id__in=repo_ids, is_current=True, slice="")
        .for_everybody()
        .select_related("benchmark", "run")
        .only(
            *("repo_id", "metric", "value", "low", "high", "n", "is_primary", "created_at", "run__finished_at"),
            *("benchmark__slug", "benchmark__version", "benchmark__title", "benchmark__task", "benchmark__definition"),
        )
        .order_by("repo_id", "benchmark_id", "-is_primary", "pk")
    )
    found = {}
    for repo_id, of_repo in groupby(rows, key=lambda score: score.repo_id):
        scores = list(of_repo)
        entries = [eval_result(score, site) for score in scores if score.is_primary]
        found[repo_id] = MeasuredResults(
            [{"data": entry, "verified": True} for entry in entries], index_of(scores, site)
        )
    return found


def eval_results_of(repo: Repo, site: str) -> list[Json]:
    """The content of a file for `.eval_results/`."""
    return [dict(one["data"]) for one in _of(repo, site).eval_results]


def model_index_of(repo: Repo, site: str) -> list[Json]:
    """The content of `model-index` in a card's front matter, with the model's own name."""
    index = _of(repo, site).model_index
    return [{**index, "name": repo.name}] if index else []


def eval_result(score: Score, site: str) -> Json:
    """One entry of `.eval_results`; `notes` says what a reader needs to compare it, and is read back as a claim."""
    benchmark = score.benchmark
    dataset = benchmark.definition.get("dataset", {})
    entry: Json = {
        "dataset": {"id": dataset.get("repo", ""), "task_id": benchmark.slug, "revision": dataset.get("revision", "")},
        "value": score.value,
        "date": (score.run.finished_at or score.created_at).date().isoformat(),
        "notes": "; ".join(f"{name}={value}" for name, value in _protocol(score).items()),
    }
    if site:
        entry["source"] = {"url": f"{site}/runs/{score.run_id}", "name": settings.SITE_NAME}
    return entry


def index_of(scores: Sequence[Score], site: str) -> Json:
    """One entry of a `model-index`, without the name of the model."""
    results = []
    for _benchmark, group in groupby(scores, key=lambda score: score.benchmark_id):
        rows = list(group)
        benchmark, dataset = rows[0].benchmark, rows[0].benchmark.definition.get("dataset", {})
        result: Json = {
            "task": {"type": benchmark.task, "name": benchmark.title},
            "dataset": {
                "type": dataset.get("repo", ""),
                "name": benchmark.title,
                "config": dataset.get("config", "default"),
                "split": dataset.get("split", ""),
                "revision": dataset.get("revision", ""),
                "args": {"benchmark": str(benchmark)},
            },
            "metrics": [_metric(score) for score in rows],
        }
        if site:
            result["source"] = {"name": settings.SITE_NAME, "url": f"{site}/runs/{rows[0].run_id}"}
        results.append(result)
    return {"results": results}


def _metric(score: Score) -> Json:
    args = {name: value for name, value in _protocol(score).items() if name not in ("metric", "split", "benchmark")}
    return {"type": score.metric, "name": score.metric, "value": score.value, "verified": True, "args": args}


def _protocol(score: Score) -> Json:
    """What a claim has to state to be comparable, and how sure the number is."""
    definition = score.benchmark.definition
    found: Json = {
        "benchmark": str(score.benchmark),
        "metric": score.metric,
        "split": definition.get("dataset", {}).get("split", ""),
    }
    if definition.get("prompt"):
        found["shots"] = definition["prompt"].get("shots", 0)
    if definition.get("filters"):
        found["normaliser"] = named_filters(definition["filters"])
    if score.low is not None and score.high is not None:
        found["interval"] = f"[{score.low:.5g}, {score.high:.5g}]"
    return {**found, "n": score.n}


def _of(repo: Repo, site: str) -> MeasuredResults:
    return measured([repo.pk], site).get(repo.pk, MeasuredResults())
