"""Benchmarks that ask what answers rest on, and runs whose node said so."""

from __future__ import annotations

import base64
import json

from catalog.models import Repo
from evaluation.actions import leases, runs
from evaluation.benchmarks.readers import explained_ids, opaque_names
from evaluation.metrics.attributions import FILE, SEEN_SIDE
from evaluation.models import Run
from evaluation.queries import answers
from evaluation.queries.benchmarks import definition_of
from tests.evaluation import arrangement

SEEN = base64.b64encode(bytes(range(256)) * (3 * SEEN_SIDE**2 // 256)).decode()


def explained(key: str, **changes) -> dict:
    """An image of 2 × 2 cells whose sum comes out."""
    return {
        "id": key, "method": "integrated-gradients", "note": "", "baseline": "zero", "label": "3", "probability": 0.9,
        "output": 2.0, "output_of_baseline": -1.0, "steps": 32, "values": [2.5, 1.0, 0.0, -0.5], "rows": 2,
        "columns": 2, "seen": SEEN, "comprehensiveness": 0.4, "sufficiency": 0.1,
    } | changes  # fmt: skip


def file_of(*items: dict) -> bytes:
    return json.dumps({"protocol": 1, "seconds": 1.0, "items": list(items)}).encode()


def names_of(run: Run) -> list[str]:
    """What the node calls the items that it was asked to take apart, in the order in which they were drawn."""
    definition = definition_of(run.benchmark)
    items = answers.items_of(run, definition)
    names = opaque_names(items, str(run.item_seed))
    return [names[key] for key in explained_ids(definition, items)]


def claimed(repo: Repo | None = None, *, slug: str = "digits-attributions") -> Run:
    repo = repo or arrangement.model()
    asked, _ = runs.request_run(repo=repo, benchmark=arrangement.benchmark(slug), actor=repo.created_by)
    run = leases.claim_run(node=arrangement.node(), queues=["eval.cpu"], run_id=asked.pk)
    assert run is not None
    leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="explaining", done=1, total=10))
    return run


def scored(run: Run | None = None, *, content: bytes | None = None) -> Run:
    """A scored run; without other content every item was taken apart, and the sum of the second is off by a tenth."""
    run = run or claimed()
    if content is None:
        items = [explained(key) for key in names_of(run)]
        items[1]["output"] = items[1]["output"] + 1 / 3
        content = file_of(*items)
    if content:
        arrangement.send(run, FILE, content)
    run = arrangement.finished_but_for(run, ())
    assert run.state == Run.State.SUCCEEDED, run.reason
    return run


def text_model(**fields) -> Repo:
    labels = arrangement.benchmark("langid-attributions").definition["labels"]
    return arrangement.model(
        labels={str(key): name for key, name in labels.items()}, task="text-classification", **fields
    )
