"""From what a node measured of the cost to rows and to a part of the signed record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from catalog.models import RepoFacts
from catalog.parsing.memory import CONTEXT, MemoryEstimate, memory_estimate
from catalog.stores import blob_store
from evaluation.benchmarks.schema import Definition
from evaluation.metrics.costs import COSTS, Reading, hardware_class, protocol_of, read_figures
from evaluation.models import Figure, Record, Run
from evaluation.queries.snapshots import Snapshot

LARGEST_CONFIG: Final = 1024 * 1024  # bytes
CACHING: Final = frozenset({"generate", "loglikelihood", "rolling"})  # requests whose models keep keys and values
MOST_TOKENS: Final = 10**8  # of a budget that is believed
ANOTHER_HEAD: Final = "The headers of the weights were not read: another commit became the head."
NEVER_MEASURED: Final = "The node ended before it had measured this."


def readings_of(run: Run, definition: Definition, snapshot: Snapshot) -> list[Reading]:
    """All figures of a run whose definition asks for them, the estimate of its memory included; else none."""
    if definition.efficiency is None:
        return []
    if not protocol_of(run.measurements):
        return [Reading(name, None, reason=NEVER_MEASURED) for name in ("latency_p50_ms", "items_per_second")]
    return [*read_figures(run.measurements), *_fit(run, definition, snapshot)]


def stated(run: Run, definition: Definition, readings: list[Reading]) -> dict[str, Any]:
    """What the record says of them besides; nothing where nothing was asked."""
    if definition.efficiency is None:
        return {}
    told = {
        "protocol": protocol_of(run.measurements),
        "hardware_class": class_of(run, definition),
        "node": run.provenance.get("node"),
        "asked": {**asdict(definition.efficiency), "scenarios": list(definition.efficiency.scenarios)},
        "figures": [{**asdict(reading), "unit": COSTS[reading.name].unit} for reading in readings],
    }
    return {"efficiency": told}


def keep(run: Run, record: Record, definition: Definition, readings: list[Reading]) -> None:
    """The rows of a run that measures a model; one that measures a node leaves none."""
    if run.kind == Run.Kind.SENTINEL:
        return
    shared = {
        "run": run, "repo": run.repo, "benchmark": run.benchmark, "record": record, "commit_oid": run.commit_oid,
        "hardware_class": class_of(run, definition), "node": str(run.provenance.get("node") or "")[:100],
        "protocol": protocol_of(run.measurements),
    }  # fmt: skip
    Figure.objects.bulk_create(
        Figure(**shared, **asdict(reading), unit=COSTS[reading.name].unit) for reading in readings
    )


def class_of(run: Run, definition: Definition) -> str:
    return hardware_class(run.provenance.get("hardware"), run.measurements, definition.engine.name)


def _fit(run: Run, definition: Definition, snapshot: Snapshot) -> list[Reading]:
    """The estimate that a page shows before anybody loads the model, and how far it was from what was needed."""
    facts = RepoFacts.objects.filter(repo=run.repo, commit__oid=run.commit_oid).first()
    estimate = _estimate(run, definition, snapshot, facts) if facts else None
    if estimate is None:
        reason = "The weights have no headers to estimate from, as safetensors do." if facts else ANOTHER_HEAD
        return [Reading(name, None, reason=reason) for name in ("fit_estimate_bytes", "fit_error")]
    on_gpu = run.measurements.get("device") not in (None, "cpu")
    # What torch reserves on a GPU leaves out the driver's context.
    total = estimate.total - (CONTEXT if on_gpu else 0)
    parts = {"weights": estimate.weights, "cache": estimate.cache, "activations": estimate.activations}
    detail = ", ".join(f"{name} {size / 1e9:.2f} GB" for name, size in parts.items())
    found = [Reading("fit_estimate_bytes", float(total), n=1, detail=detail)]
    peaks = run.measurements.get("peak")
    peak = peaks.get("vram_bytes" if on_gpu else "rss_bytes") if isinstance(peaks, dict) else None
    if type(peak) is not int or not 0 < peak < 2**50:
        return [*found, Reading("fit_error", None, reason="The peak of the memory was not measured.")]
    detail = f"the run's peak was {peak / 1e9:.2f} GB, {'on the GPU' if on_gpu else 'resident'}"
    return [*found, Reading("fit_error", round(total / peak - 1, 6), n=1, detail=detail)]


def _estimate(run: Run, definition: Definition, snapshot: Snapshot, facts: RepoFacts) -> MemoryEstimate | None:
    budget = run.measurements.get("budget")
    tokens = budget.get("tokens") if isinstance(budget, dict) else None
    caches = definition.request in CACHING and type(tokens) is int and 0 < tokens < MOST_TOKENS
    return memory_estimate(
        facts.parameters_by_dtype,
        run_dtype=str(run.measurements.get("dtype")),
        config=_config(snapshot) if caches else None,
        cached_tokens=tokens if caches and isinstance(tokens, int) else 0,
    )


def _config(snapshot: Snapshot) -> dict[str, Any]:
    file = snapshot.config
    if file is None or file.size > LARGEST_CONFIG:
        return {}
    try:
        body = json.loads(blob_store().read_range(file.sha256, 0, file.size))
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
