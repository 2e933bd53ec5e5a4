"""A team with data and a benchmark of its own, and models measured on it."""

from __future__ import annotations

import json

from catalog.models import Commit, Namespace, Repo, RepoFacts, User
from evaluation.actions import inputs, leases, runs, scoring, team_benchmarks
from evaluation.models import Benchmark, Run
from evaluation.queries.benchmarks import definition_of
from tests.evaluation import arrangement
from tests.evaluation.benchmarks.data import lines, text_of
from tests.factories import RepoFactory, commit_content

ROWS = [{"text": f"sentence {number}", "label": number % 2} for number in range(20)]


def dataset(
    namespace: Namespace, actor: User, *, name: str = "tickets", visibility: str = "private", rows=ROWS
) -> tuple[Repo, Commit]:
    repo = RepoFactory(namespace=namespace, name=name, kind=Repo.Kind.DATASET, visibility=visibility, actor=actor)
    return repo, commit_content(repo, {"data/test.jsonl": lines(*rows)}, actor=actor)


def definition_text(repo: str, revision: str, *, more: str = "", dataset: str = "", **replaced: str) -> str:
    shown = {
        "request": "classify",
        "task": "text-classification",
        "labels": "{0: neg, 1: pos}",
        "revision": revision,
        "split": "test",
        "status": "stable",
        "id": "tickets",
        "repo": repo,
        "metric": "accuracy",
    } | replaced
    return text_of(shown, "{text: text, target: label}", dataset, more)


def benchmark(namespace: Namespace, actor: User, **replaced: str) -> Benchmark:
    repo, commit = dataset(namespace, actor)
    text = definition_text(repo.full_name, commit.oid, **replaced)
    return team_benchmarks.upload_definition(text=text, namespace=namespace, actor=actor)[0]


def model(**fields) -> Repo:
    """A public model for texts with the labels `neg` and `pos`."""
    repo = RepoFactory(**fields)
    arrangement.commit_model(repo, labels={"0": "neg", "1": "pos"})
    RepoFacts.objects.filter(repo=repo).update(task="text-classification")
    repo.refresh_from_db()
    return repo


def scored(repo: Repo, benchmark: Benchmark, actor: User, *, wrong: int = 0) -> Run:
    """Measured and scored; the first `wrong` answers are wrong."""
    run, _created = runs.request_run(repo=repo, benchmark=benchmark, actor=actor)
    run = leases.claim_run(node=arrangement.node(), queues=["eval.cpu"], run_id=run.pk)
    made = inputs.prepare(run)
    leases.note_claim(run=run, node=run.node, inputs_digest=made.digest, rows=made.rows)
    leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="running"))
    arrangement.send(run, "predictions.jsonl", _answers(run, wrong))
    arrangement.send(run, "measurements.json", json.dumps({}).encode())
    leases.complete_run(**arrangement.grant(run))
    scoring.score_run(run.pk)
    run.refresh_from_db()
    return run


def _answers(run: Run, wrong: int) -> bytes:
    one, other = definition_of(run.benchmark).label_names
    rows = enumerate(inputs.prepare(run).gold)
    told = [(row["id"], (row["label"] == one) != (number < wrong)) for number, row in rows]
    return lines(*({"id": key, "label": one if is_one else other} for key, is_one in told))
