"""The record of a run: everything one needs to judge, repeat or dispute its numbers (evaluation-notes 5)."""

from __future__ import annotations

import functools
import hashlib
import platform
import re
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from catalog.models import RepoFacts
from evaluation import signing
from evaluation.benchmarks.schema import Definition
from evaluation.metrics.registry import DERIVED, FIGURES
from evaluation.metrics.scoring import Judgement, MetricValue
from evaluation.models import Run
from evaluation.queries.model_files import chat_template_of
from evaluation.queries.snapshots import Snapshot
from evaluation.runner import RUNNER_VERSION

Json = dict[str, Any]
# Tokenizers, feature extractors and processors of transformers.
PROCESSOR_FILES: Final = re.compile(
    r"(.*tokenizer.*|vocab.*|merges\.txt|.*\.model|.*\.tiktoken|added_tokens\.json|special_tokens_map\.json"
    r"|preprocessor_config\.json|processor_config\.json|.*processor.*\.json|chat_template\..*)"
)


def record_of(run: Run, definition: Definition, snapshot: Snapshot, judgement: Judgement) -> Json:
    """What is signed. Proportions are 0–1; `null` means not known."""
    return {
        "schema": 1,
        "identity": _identity(run),
        "model": _model(run, definition, snapshot),
        "benchmark": _benchmark(run, definition, judgement),
        "engine": _engine(run, definition),
        "metrics": metrics_of(definition, judgement),
        "uncertainty": asdict(definition.uncertainty),
        "hardware": _hardware(run),
        "result": {**_outputs(run), **scores_of(judgement)},
        "trust": {
            "origin": "reproduced",
            "sandbox": run.provenance.get("sandbox") or "none",
            "key_id": signing.current_key_id(),
            "reviewed_by": None,
        },
    }


def metrics_of(definition: Definition, judgement: Judgement) -> list[Json]:
    """How each number was made, by which version of what."""
    values = {value.metric: value for value in judgement.values if not value.slice}
    derived = {value.metric: value for value in judgement.values if value.metric in DERIVED}
    listed = [_metric(use.name, values.get(use.name)) for use in definition.metrics]
    return listed + [_metric(name, value) for name, value in derived.items()]


def scores_of(judgement: Judgement) -> Json:
    """The part of `result` that another scoring replaces."""
    scores = {"scores": [asdict(value) for value in judgement.values]}
    return scores | ({"diagnostics": dict(judgement.diagnostics)} if judgement.diagnostics else {})


def _identity(run: Run) -> Json:
    return {
        "run_id": run.pk,
        "run_key": run.run_key,
        "attempt": run.attempt,
        "requester": run.requester.username if run.requester else None,
        "trigger": run.trigger,
        "kind": run.kind,
    }


def _model(run: Run, definition: Definition, snapshot: Snapshot) -> Json:
    facts = RepoFacts.objects.filter(repo=run.repo, commit__oid=run.commit_oid).first()
    files = {file.path: file.sha256 for file in snapshot.files}
    processor = {path: sha256 for path, sha256 in files.items() if PROCESSOR_FILES.fullmatch(path)}
    template = chat_template_of(snapshot)
    quantised = ((facts.config if facts else None) or {}).get("quantization_config")
    return {
        "repo": run.repo.full_name,
        "commit": run.commit_oid,
        "files": files,
        "weights": {file.path: file.sha256 for file in snapshot.files if file.is_weights},
        # The node made these of the pickles above and loaded them instead; by their sha256, as it states it.
        "converted": _mapping(run.provenance.get("converted")),
        "processor_digest": _digest(processor) if processor else None,
        "chat_template_hash": hashlib.sha256(template.encode()).hexdigest() if template else None,
        "parameters": facts.parameters if facts else None,
        "stored_dtypes": facts.parameters_by_dtype if facts else None,
        "resolved_dtype": run.measurements.get("dtype"),
        "quantisation": quantised.get("quant_method") if isinstance(quantised, dict) else None,
        "architecture": run.measurements.get("architecture"),
        "adapter": definition.request,
    }


def _benchmark(run: Run, definition: Definition, judgement: Judgement) -> Json:
    whole = asdict(definition)
    asked = {name: whole[name] for name in ("prompt", "generation", "filters")}
    is_prompted = definition.prompt is not None or definition.generation is not None
    labels = {str(key): name for key, name in (definition.labels or {}).items()}
    evaluated = next((value.n for value in judgement.values if value.primary), None)
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
        "rows_evaluated": evaluated,  # more than rows where a query counts once for each pool it searches
        "rows_failed": 0,  # a run with an unanswered item has no score
        "prompt_hash": _digest(asked) if is_prompted else None,
        "label_map_digest": _digest(labels) if labels else None,
    }


def _engine(run: Run, definition: Definition) -> Json:
    measured = run.measurements
    stated = _mapping(run.provenance.get("versions"))
    return {
        "backend": definition.engine.name,
        "runner_version": RUNNER_VERSION,
        "runner_commit": stated.get("commit"),
        "container_image": stated.get("image"),
        "versions": stated,
        "attention": measured.get("attention"),
        "compiled": measured.get("compiled"),
        "token_budget": _mapping(measured.get("budget")).get("tokens"),
        "batches": measured.get("batches"),
        "seed": definition.seed,
        "deterministic": measured.get("deterministic"),
        "environment_lock": _lock_digest(),  # of the hub's own lock file; the node's packages stand in `versions`
        "scored_with_python": platform.python_version(),
        "measured": measured,
    }


def _metric(name: str, value: MetricValue | None) -> Json:
    """`value`: None where the answers did not allow it."""
    metric = FIGURES[name]
    return {
        "name": metric.name,
        "version": metric.version,
        "library": metric.library,
        "library_version": _version_of(metric.library.split()[0]),
        "unit": metric.unit,
        "signature": value.signature if value else None,
        "interval": value.method if value else None,
    }


def _hardware(run: Run) -> Json:
    """As the node states it; nobody has proved it."""
    stated = _mapping(run.provenance.get("hardware"))
    return {"node": run.provenance.get("node"), "other_tenants": run.measurements.get("shared"), **stated}


def _outputs(run: Run) -> Json:
    outputs = {output.name: output.blob.sha256 for output in run.outputs.select_related("blob")}
    return {
        "outputs": outputs,
        "phases": _mapping(run.measurements.get("phases")),
        "energy_joules": run.measurements.get("energy_joules"),
        "claimed_at": _time(run.claimed_at),
        "started_at": _time(run.started_at),
    }


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _digest(facts: Json) -> str:
    return hashlib.sha256(signing.canonical(facts).encode()).hexdigest()


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


@functools.cache
def _version_of(package: str) -> str | None:
    """None for what is our own."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@functools.cache
def _lock_digest() -> str | None:
    path = Path(settings.BASE_DIR) / "requirements" / "lock.txt"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
