"""What a claim answers with: what to compute, on which files, under whose names."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from catalog.errors import CatalogError
from evaluation.actions import companions, inputs, leases
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import run_spec
from evaluation.benchmarks.readers import InputFiles
from evaluation.errors import RunLeaseLost
from evaluation.models import Node, Run
from evaluation.models.run import LEASE
from evaluation.queries import classes, queue
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.snapshots import Snapshot, snapshot_of_run

Json = dict[str, Any]


def claim(node: Node, run_id: int | None) -> Run | None:
    """The next run for this node."""
    return leases.claim_run(node=node, queues=node.queues, run_id=run_id)


def companion(node: Node, run_id: int, lease_token: uuid.UUID) -> Run | None:
    """One more run for the process of this one."""
    return companions.claim_companion(run_id=run_id, node=node, lease_token=lease_token)


def described(run: Run, node: Node) -> Json | None:
    """The whole order, or None where something for it is missing here: the run is put off.

    `companions` says whether it is worth asking for one.
    """
    try:
        made, snapshot = inputs.prepare(run), snapshot_of_run(run)
        leases.note_claim(run=run, node=node, inputs_digest=made.digest, rows=made.rows)
    except RunLeaseLost:  # cancelled in this moment
        return None
    except (DataUnavailable, CatalogError) as problem:
        leases.put_off(run=run, node=node, reason="data_unavailable", message=str(problem))
        return None
    return {
        "run_id": run.pk,
        "lease_token": str(run.lease_token),
        "lease_seconds": int(LEASE.total_seconds()),
        "spec": _spec(run) | _explained(run, made),
        "companions": companions.can_have_companions(run) and queue.companions(run, node).exists(),
        "model": {
            "repo": run.repo.full_name,
            "commit": run.commit_oid,
            "files": _files(run, snapshot),
        },
        "inputs": {
            "files": [
                {
                    "path": file.path,
                    "size": file.size,
                    "sha256": file.sha256,
                    "url": f"/node_api/runs/{run.pk}/inputs/{file.path}",
                }
                for file in made.files
            ]
        },
    }


def _spec(run: Run) -> Json:
    """What to compute. A run of the CPU's class means the same on a GPU: its run key says float32 (ADR 0024)."""
    spec: Json = {**run_spec(definition_of(run.benchmark))}
    if (run.escalated_from or run.queue) == classes.CPU:
        return spec | {"dtype": "float32"} if spec["dtype"] == "auto" else spec
    # The benchmark's limit of main memory is for CPUs; weights pass through it on their way to the GPU.
    room = max(spec["limits"]["ram_gb"], 1.25 * run.memory_gb + 4)
    return spec | {"limits": spec["limits"] | {"ram_gb": room}}


def _explained(run: Run, made: InputFiles) -> Json:
    """Which items are taken apart, under the names they have in this run; nothing where nobody asked."""
    asked = definition_of(run.benchmark).interpret
    return {"interpret": {**asdict(asked), "items": list(made.explained)}} if asked else {}


def _files(run: Run, snapshot: Snapshot) -> list[Json]:
    return [
        {
            "path": file.path,
            "size": file.size,
            "sha256": file.sha256,
            "url": f"/node_api/runs/{run.pk}/files/{quote(file.path)}",
        }
        for file in snapshot.files
    ]
