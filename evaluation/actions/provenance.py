"""The record of a run: everything one needs to judge, repeat or dispute its numbers (evaluation-notes 5)."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import datetime
from typing import Any

from catalog.models import RepoFacts
from evaluation.benchmarks.schema import Definition
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.scoring import MetricValue
from evaluation.models import Run
from evaluation.queries.snapshots import Snapshot
from evaluation.runner import RUNNER_VERSION

Json = dict[str, Any]


def record_of(run: Run, definition: Definition, snapshot: Snapshot, values: list[MetricValue]) -> Json:
    """What is signed. Proportions are 0–1; `null` means not known."""
    return {
        "schema": 1,
        "identity": _identity(run),
        "model": _model(run, snapshot),
        "benchmark": _benchmark(run, definition),
        "engine": _engine(run, definition),
        "metrics": [_metric(use.name) for use in definition.metrics],
        "uncertainty": asdict(definition.uncertainty),
        "hardware": {"node": run.provenance.get("node"), **_mapping(run.provenance.get("hardware"))},
        "result": _result(run, values),
        "trust": {"origin": "reproduced", "sandbox": run.provenance.get("sandbox") or "none"},
    }


def _identity(run: Run) -> Json:
    return {
        "run_id": run.pk,
        "run_key": run.run_key,
        "attempt": run.attempt,
        "requester": run.requester.username if run.requester else None,
        "trigger": run.trigger,
        "kind": "full",
    }


def _model(run: Run, snapshot: Snapshot) -> Json:
    facts = RepoFacts.objects.filter(repo=run.repo, commit__oid=run.commit_oid).first()
    return {
        "repo": run.repo.full_name,
        "commit": run.commit_oid,
        "files": {file.path: file.sha256 for file in snapshot.files},
        "parameters": facts.parameters if facts else None,
        "stored_dtypes": facts.parameters_by_dtype if facts else None,
        "resolved_dtype": run.measurements.get("dtype"),
        "architecture": run.measurements.get("architecture"),
    }


def _benchmark(run: Run, definition: Definition) -> Json:
    return {
        "id": definition.id,
        "version": definition.version,
        "definition_hash": run.benchmark.definition_hash,
        "dataset": definition.dataset.repo,
        "revision": definition.dataset.revision,
        "config": definition.dataset.config,
        "split": definition.dataset.split,
        "items_digest": run.inputs_digest,
        "rows": run.provenance.get("rows_expected"),
    }


def _engine(run: Run, definition: Definition) -> Json:
    return {
        "backend": definition.engine.name,
        "runner_version": RUNNER_VERSION,
        "versions": _mapping(run.provenance.get("versions")),
        "seed": definition.seed,
        "scored_with_python": platform.python_version(),
        "measured": run.measurements,
    }


def _metric(name: str) -> Json:
    metric = REGISTRY[name]
    return {"name": metric.name, "version": metric.version, "library": metric.library, "unit": metric.unit}


def _result(run: Run, values: list[MetricValue]) -> Json:
    return {
        "scores": [asdict(value) for value in values],
        "outputs": {output.name: output.blob.sha256 for output in run.outputs.select_related("blob")},
        "claimed_at": _time(run.claimed_at),
        "started_at": _time(run.started_at),
    }


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
