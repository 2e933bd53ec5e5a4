"""A benchmark that asks what a run costs, and runs whose node measured it."""

from __future__ import annotations

import dataclasses

from catalog.models import Repo, RepoFacts
from evaluation.actions import benchmarks, leases, runs
from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import Efficiency
from evaluation.models import Benchmark, Run
from tests.evaluation import arrangement

GIGABYTE = 10**9
HARDWARE = {"cpu": "Some CPU", "cores": 4, "gpus": []}
EFFICIENCY = {
    "protocol": 1,
    "shared": None,
    "values": {
        "latency_p50_ms": {"value": 2.5, "n": 200, "detail": "batch 1"},
        "latency_p90_ms": {"value": 4.0, "n": 200, "detail": "batch 1"},
        "parameters": {"value": 250_000_000, "n": 1, "detail": ""},
    },
    "absent": {"energy_joules_per_item": "Only the energy of an NVIDIA GPU is measured; this ran on a CPU."},
}
MEASURED = {
    "device": "cpu", "dtype": "float32", "compiled": False, "peak": {"rss_bytes": 2 * GIGABYTE, "vram_bytes": None},
    "budget": {"tokens": 4096, "items": 32}, "efficiency": EFFICIENCY,
}  # fmt: skip


def benchmark() -> Benchmark:
    """`digits`, with its cost."""
    digits = next(one for one in builtin_definitions() if one.id == "digits")
    asked = Efficiency(scenarios=("single_stream", "offline"))
    return benchmarks.publish(dataclasses.replace(digits, id="digits-cost", title="Digits, cost", efficiency=asked))


def model(**fields) -> Repo:
    """Of 250 million parameters in half precision, by its headers."""
    repo = arrangement.model(**fields)
    RepoFacts.objects.filter(repo=repo).update(parameters_by_dtype={"BF16": 250_000_000})
    repo.refresh_from_db()
    return repo


def scored(repo: Repo | None = None, *, hardware=HARDWARE, measurements=MEASURED, again=False) -> Run:
    repo = repo or model()
    node = arrangement.node()
    node.hardware = hardware
    node.save(update_fields=["hardware"])
    asked, _ = runs.request_run(repo=repo, benchmark=benchmark(), actor=repo.created_by, again=again)
    run = leases.claim_run(node=node, queues=["eval.cpu"], run_id=asked.pk)
    assert run is not None
    leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="measuring", done=1, total=10))
    run = arrangement.finished_but_for(run, (), measurements=measurements)
    assert run.state == Run.State.SUCCEEDED, run.reason
    return run
