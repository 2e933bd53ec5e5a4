"""How much memory a run will take, from the headers of the weights alone, and so which class it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from catalog.models import Commit, Repo, RepoFacts
from catalog.parsing.memory import CONTEXT, activations_of
from evaluation.benchmarks.schema import Definition
from evaluation.queries.classes import CPU, GPU_GB, USABLE, rank
from evaluation.queries.snapshots import Snapshot

LARGEST_GB: Final = max(GPU_GB.values())


@dataclass(frozen=True)
class Fit:
    """Where a run belongs, and the memory it is expected to take there."""

    queue: str
    memory_gb: float


def fit_of(repo: Repo, commit: Commit, snapshot: Snapshot, definition: Definition, *, least: str = CPU) -> Fit | None:
    """The smallest class whose memory passes the estimate; None when no class has so much.

    Args:
        least: a class below which the benchmark is not run.
    """
    on_cpu = need_gb(repo, commit, snapshot, bytes_each=4)
    most = min(definition.limits.ram_gb, settings.EVAL_CPU_LARGEST_GB)
    if least == CPU and on_cpu <= USABLE * most:
        return Fit(CPU, on_cpu)
    on_gpu = on_cpu if definition.dtype == "float32" else need_gb(repo, commit, snapshot, bytes_each=2)
    fitting = (name for name, gb in GPU_GB.items() if rank(name) >= rank(least) and on_gpu <= USABLE * gb)
    return next((Fit(name, on_gpu) for name in fitting), None)


def need_gb(repo: Repo, commit: Commit, snapshot: Snapshot, *, bytes_each: int) -> float:
    """Weights as they are computed with, activations and the context, as `catalog.parsing.memory` has them.

    Args:
        bytes_each: of a parameter. Where their number is unknown the weights count as they lie on disk.
    """
    facts: RepoFacts | None = getattr(repo, "facts", None)
    parameters = facts.parameters if facts is not None and facts.commit_id == commit.pk else None
    held = bytes_each * (parameters or 0)
    if not parameters or bytes_each == 4:  # in float32 never less than what lies there
        held = max(held, snapshot.weights_bytes)
    return (held + activations_of(held) + CONTEXT) / 1e9
