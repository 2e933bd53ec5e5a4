"""Inside a site: queues runs of models on copies of a benchmark, waits for all of them, and says how long what took.

python -m tests.bench.queueing --models ann/a,ann/b --definitions 4 --tag x
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time

import django

SECONDS = 3600


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    django.setup()
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", required=True)
    parser.add_argument("--definitions", type=int, required=True)
    parser.add_argument("--tag", required=True, help="another one asks for other runs")
    options = parser.parse_args()
    queued = _queued(options.models.split(","), options.definitions, options.tag)
    print(json.dumps([_facts(run) for run in _ended(queued)]))


def _queued(models: list[str], definitions: int, tag: str) -> list[int]:
    from django.db import transaction

    from catalog.models import Repo
    from evaluation.actions.runs import request_run

    benchmarks = [_benchmark(f"langid-{tag}-{number}") for number in range(definitions)]
    repos = [Repo.objects.get(namespace__name=name.split("/")[0], name=name.split("/")[1]) for name in models]
    with transaction.atomic():  # a node sees all of them or none
        return [
            request_run(repo=repo, benchmark=benchmark, trigger="upload")[0].pk
            for repo in repos
            for benchmark in benchmarks
        ]


def _benchmark(slug: str) -> object:
    """`langid` under another name, hence with runs of its own."""
    from evaluation.models import Benchmark

    copied = Benchmark.objects.current().get(slug="langid")
    copied.pk, copied.slug = None, slug
    copied.definition_hash = hashlib.sha256(slug.encode()).hexdigest()
    copied.save(force_insert=True)
    return copied


def _ended(runs: list[int]) -> list[object]:
    from evaluation.models import Run

    found, until = Run.objects.filter(pk__in=runs), time.monotonic() + SECONDS
    while found.active().exists():
        assert time.monotonic() < until
        time.sleep(0.2)
    return list(found.order_by("finished_at"))


def _facts(run: object) -> dict[str, object]:
    from evaluation.models import Run

    assert isinstance(run, Run)
    assert run.state == Run.State.SUCCEEDED, f"{run}: {run.reason_code}: {run.reason}"
    times = {name: getattr(run, name).timestamp() for name in ("created_at", "claimed_at", "started_at", "finished_at")}
    handed_in = run.attempts.get(number=run.attempt).ended_at
    assert handed_in is not None
    measured = {name: run.measurements[name] for name in ("process", "phases", "load")}
    return times | {"run": run.pk, "handed_in_at": handed_in.timestamp(), "attempt": run.attempt} | measured


if __name__ == "__main__":
    main()
