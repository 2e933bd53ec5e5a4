"""What evaluation tests begin with: models that could be measured, a node, runs at any stage."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from itertools import count

from catalog.models import Repo, RepoFacts
from evaluation.actions import benchmarks, inputs, leases, nodes, outputs, runs, scoring
from evaluation.benchmarks import readers
from evaluation.models import Benchmark, Node, Run
from evaluation.queries.benchmarks import definition_of
from tests.factories import RepoFactory, commit_content

_numbers = count(1)
DIGITS = {str(number): str(number) for number in range(10)}


def benchmark(slug: str = "digits") -> Benchmark:
    benchmarks.sync_builtin()
    return Benchmark.objects.current().get(slug=slug)


def model(
    *, labels: dict[str, str] | None = None, weights: bytes | None = None, task="image-classification", **fields
) -> Repo:
    """A public model for the benchmark `digits`; its weights are its own, so its run key is, too."""
    repo = RepoFactory(**fields)
    commit_model(repo, labels=labels, weights=weights)
    RepoFacts.objects.filter(repo=repo).update(task=task)
    repo.refresh_from_db()
    return repo


def commit_model(repo: Repo, *, labels: dict[str, str] | None = None, weights: bytes | None = None):
    config = {"model_type": "vit", "id2label": DIGITS if labels is None else labels}
    files = {
        "README.md": b"---\npipeline_tag: image-classification\n---\n# A model\n",
        "config.json": json.dumps(config).encode(),
        "model.safetensors": weights or f"weights {next(_numbers)}".encode(),
    }
    return commit_content(repo, files, lfs=("model.safetensors",))


def node(name: str = "") -> Node:
    return nodes.create_node(name or f"node{next(_numbers)}")[0]


def queued(repo: Repo | None = None, **fields) -> Run:
    repo = repo or model()
    return runs.request_run(repo=repo, benchmark=benchmark(), actor=fields.pop("actor", repo.created_by), **fields)[0]


def claimed(repo: Repo | None = None, by: Node | None = None) -> Run:
    run = queued(repo)
    taken = leases.claim_run(node=by or node(), queues=["eval.cpu"], run_id=run.pk)
    assert taken is not None
    made = inputs.prepare(taken)
    leases.note_claim(run=taken, node=taken.node, inputs_digest=made.digest, rows=made.rows)
    taken.refresh_from_db()
    return taken


def running(repo: Repo | None = None, by: Node | None = None) -> Run:
    run = claimed(repo, by)
    leases.heartbeat(**grant(run), report=leases.Report(phase="running", done=1, total=10, rate=2.0))
    run.refresh_from_db()
    return run


def handed_in(
    repo: Repo | None = None, *, wrong: int = 0, files: dict[str, bytes] | None = None, by: Node | None = None
) -> Run:
    """A run whose outputs are complete, waiting to be scored; the first `wrong` answers are wrong."""
    run = running(repo, by)
    for name, content in (files or {"predictions.jsonl": answers(run, wrong=wrong)}).items():
        send(run, name, content)
    leases.complete_run(**grant(run))
    run.refresh_from_db()
    return run


def scored(repo: Repo | None = None, *, wrong: int = 0, measurements: dict | None = None) -> Run:
    repo = repo or model()
    run = running(repo)
    send(run, "predictions.jsonl", answers(run, wrong=wrong))
    send(run, "measurements.json", json.dumps(measurements or {}).encode())
    leases.complete_run(**grant(run))
    scoring.score_run(run.pk)
    run.refresh_from_db()
    return run


def scored_but_for(wrong: Iterable[int], repo: Repo | None = None) -> Run:
    """A scored run that is right on all items but these, by their place in the data; wrong by one label."""
    run = finished_but_for(running(repo), wrong)
    assert run.state == Run.State.SUCCEEDED, run.reason
    return run


def finished_but_for(run: Run, wrong: Iterable[int], *, measurements: dict | None = None) -> Run:
    """The rest of a claimed run: answers, and what became of them."""
    made = inputs.prepare(run)
    leases.note_claim(run=run, node=run.node, inputs_digest=made.digest, rows=made.rows)
    definition = definition_of(run.benchmark)
    items, labels = readers.read(definition), definition.label_names
    names, lines, failed = readers.opaque_names(items, str(run.item_seed)), [], set(wrong)
    for index, row in enumerate(items.gold):
        label = labels[(labels.index(row["label"]) + (index in failed)) % len(labels)]
        probs = [0.91 if name == label else 0.09 / (len(labels) - 1) for name in labels]
        lines.append(json.dumps({"id": names[row["id"]], "label": label, "probs": probs}))
    send(run, "predictions.jsonl", "\n".join(lines).encode())
    send(run, "measurements.json", json.dumps(measurements or {}).encode())
    leases.complete_run(**grant(run))
    scoring.score_run(run.pk)
    run.refresh_from_db()
    return run


def answers(run: Run, *, wrong: int = 0) -> bytes:
    """predictions.jsonl with the right label for all but the first `wrong` items."""
    labels = definition_of(run.benchmark).label_names
    lines = []
    for index, row in enumerate(inputs.prepare(run).gold):
        right = labels.index(row["label"])
        label = labels[(right + 1) % len(labels)] if index < wrong else labels[right]
        probs = [0.91 if name == label else 0.01 for name in labels]
        lines.append(json.dumps({"id": row["id"], "label": label, "probs": probs}))
    return ("\n".join(lines) + "\n").encode()


def send(run: Run, name: str, content: bytes) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    outputs.receive_output(run=run, name=name, sha256=sha256, size=len(content), chunks=[content])


def grant(run: Run) -> dict[str, object]:
    """The arguments a node with this run's lease passes."""
    return {"run_id": run.pk, "node": run.node, "lease_token": run.lease_token or uuid.uuid4()}
