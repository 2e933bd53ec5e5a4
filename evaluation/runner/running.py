"""One run from its specification to its files."""

import hashlib
import json
import random
from collections.abc import Sequence

import numpy as np
import torch

from evaluation.runner.batching import BatchRunner, OutOfMemory, plan
from evaluation.runner.computing import Batch, free_memory, take_share, workers_for
from evaluation.runner.efficiency.measuring import Load, measure
from evaluation.runner.efficiency.memory import cached_share
from evaluation.runner.events import Events
from evaluation.runner.failures import RunFailed, unsupported
from evaluation.runner.interpreting import FILE
from evaluation.runner.interpreting.explaining import explain
from evaluation.runner.loading import Loader
from evaluation.runner.measuring import Clock, Process, forget_peaks, measurements, sound_speed, versions
from evaluation.runner.outputs import PART, PartialResults, Result, write_json, write_results
from evaluation.runner.spec import InputRow, RunSpec, read_inputs
from evaluation.runner.tasks import Task, task_for


def perform(run: RunSpec, loader: Loader, events: Events, process: Process) -> None:
    """Computes what is missing and writes the results.

    Raises:
        RunFailed: with a reason for the model's author.
    """
    adapter = task_for(run.request)
    if adapter is None:
        raise unsupported(f"This runner does not know the request {run.request!r}.")
    rows = read_inputs(run.inputs)
    _seed(run.seed)
    forget_peaks(loader.device)
    clock = Clock()
    cached = cached_share(sorted(run.model_dir.glob("*.safetensors"))) if run.efficiency else None
    events.progress("loading", 0, len(rows))
    try:
        task = adapter(run, loader)
    except OutOfMemory as error:  # some tasks compute a little before they know their batches
        raise RunFailed("does_not_fit", "The model leaves no memory to compute anything.") from error
    clock.lap("load")
    lengths = task.lengths(rows)
    clock.lap("tokenise")
    driver = _driver(task, lengths)
    results, done = _compute(run, rows, driver, task, events=events, clock=clock)
    clock.lap("compute")
    ids = [row.id for row in rows]
    write_results(run.output, task.form, ids, results)
    facts = measurements(
        loaded=task.loaded,
        was_loaded=task.was_loaded,
        driver=driver,
        clock=clock,
        items=len(rows),
        done=done,
        process=process,
    )
    facts |= {"unit": task.unit, "settings": dict(task.settings)} | sound_speed(task.settings, facts)
    write_json(run.output / "measurements.json", facts)
    # Not their perturbed copies: what is typed badly costs more tokens.
    own = [row for row in rows if not row.perturbed]
    if run.efficiency:
        load = Load(None if task.was_loaded else clock.first_answer, cached)
        found = measure(run, task, rows=own, budget=driver.budget, load=load, events=events)
        facts |= {"efficiency": found, "shared": found["shared"]}
        write_json(run.output / "measurements.json", facts)
    if run.interpret:
        explained = explain(run, task, rows=own, answers=results, budget=driver.budget, events=events)
        write_json(run.output / FILE, explained)
    (run.output / PART).unlink()


def _driver(task: Task, lengths: Sequence[int]) -> BatchRunner[Batch, Result]:
    workers = workers_for(task.loaded) if getattr(task, "may_run_at_once", False) else 1
    return BatchRunner(
        lengths=lengths,
        budget=task.budget(),
        prepare=task.prepare,
        compute=task.compute,
        recover=lambda: free_memory(task.loaded),
        unit=task.unit,
        workers=workers,
        begin_worker=lambda: take_share(task.loaded, workers),
    )


def _compute(
    run: RunSpec, rows: list[InputRow], driver: BatchRunner[Batch, Result], task: Task, *, events: Events, clock: Clock
) -> tuple[dict[str, Result], int]:
    """All results by item id, and how many were computed now."""
    with PartialResults(run.output, _fingerprint(run, task)) as kept:
        # Whole batches, planned over all items: a resumed run computes the same batches, so the same numbers.
        batches = _batches(rows, driver)
        missing = [batch for batch in batches if any(rows[index].id not in kept.results for index in batch)]
        before = len(kept.results)
        events.progress("running", before, len(rows))
        for indexes, results in driver.run(missing):
            clock.answered()
            kept.append([rows[index].id for index in indexes], results)
            events.progress("running", len(kept.results), len(rows))
        torch.set_num_threads(task.loaded.threads)  # workers left their share behind, for threads still to come
        return kept.results, len(kept.results) - before


def _batches(rows: list[InputRow], driver: BatchRunner[Batch, Result]) -> list[list[int]]:
    """Perturbed copies come last and by themselves: the items share batches, hence numbers, as if there were none."""
    kinds = [[at for at, row in enumerate(rows) if row.perturbed == is_copy] for is_copy in (False, True)]
    return [batch for among in kinds for batch in plan(driver.lengths, driver.budget, among)]


def _fingerprint(run: RunSpec, task: Task) -> str:
    """What must be equal for results of an earlier attempt to be taken over; the budget is not part of it."""
    facts = {
        "run": [run.run_id, run.request, run.labels, run.seed, dict(run.preprocess), task.settings],
        "inputs": hashlib.sha256(run.inputs.read_bytes()).hexdigest(),
        "weights": [[path.name, path.stat().st_size] for path in task.loaded.snapshot.weights],
        "config": task.loaded.snapshot.config,
        "computed as": [str(task.loaded.dtype), str(task.loaded.device)],
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
