"""The runner's own path without its files: prepare, plan, compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evaluation.runner.batching import BatchRunner, plan
from evaluation.runner.computing import take_share, workers_for
from evaluation.runner.loading import Loader
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks import task_for


def answers_of(run: RunSpec) -> Callable[[Sequence[InputRow]], list[dict[str, Any]]]:
    """The model is loaded now, on the CPU; each call answers all rows, in their order."""
    adapter = task_for(run.request)
    assert adapter is not None, run.request
    task = adapter(run, Loader("cpu"))
    workers = workers_for(task.loaded) if getattr(task, "may_run_at_once", False) else 1

    def answer(rows: Sequence[InputRow]) -> list[dict[str, Any]]:
        lengths = task.lengths(rows)
        driver = BatchRunner(
            lengths=lengths,
            budget=task.budget(),
            prepare=task.prepare,
            compute=task.compute,
            workers=workers,
            begin_worker=lambda: take_share(task.loaded, workers),
        )
        found: dict[int, dict[str, Any]] = {}
        for indexes, results in driver.run(plan(lengths, driver.budget)):
            found.update(zip(indexes, results, strict=True))
        return [found[index] for index in range(len(rows))]

    return answer
