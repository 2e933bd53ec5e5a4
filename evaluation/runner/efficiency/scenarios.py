"""single_stream: one item after the other; offline: as many at once as pays."""

import itertools
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from evaluation.runner.batching import Budget, OutOfMemory, ahead, plan
from evaluation.runner.computing import free_memory
from evaluation.runner.efficiency.energy import Meter
from evaluation.runner.efficiency.figures import Asked, Figures, Repetitions
from evaluation.runner.outputs import Result
from evaluation.runner.spec import InputRow
from evaluation.runner.tasks import Task

POINTS = (50, 90, 95, 99)
MOST_ITEMS = 5000  # prepared for the throughput
LEAST_GAIN = 1.03  # of a budget twice as large
MOST_DOUBLINGS = 3
TRIAL_SHARE = 0.25  # of the shortest time, for each budget tried
SAFE_SHARE = 0.8  # of the allowed memory, which a doubled peak must not pass


@dataclass(frozen=True)
class Bench:
    """A task that has answered its items, and what is asked of it."""

    task: Task
    rows: Sequence[InputRow]
    asked: Asked
    deadline: float
    budget: Budget
    ram_bytes: float
    tell: Callable[[], None]  # a sign of life, for the supervisor

    def synchronise(self) -> None:
        if self.task.loaded.device.type == "cuda":
            torch.cuda.synchronize(self.task.loaded.device)

    def shuffled(self) -> list[InputRow]:
        """The items in the order of the seed."""
        rows = list(self.rows)
        random.Random(self.asked.seed).shuffle(rows)
        return rows

    def answer(self, row: InputRow) -> list[Result]:
        """One item by itself, from its text or picture to its answer."""
        self.task.lengths([row])
        return self.task.compute(self.task.prepare([0]))


def single_stream(bench: Bench, figures: Figures) -> None:
    """Latency at batch 1: pre-process, forward, post-process; nothing is prepared beforehand."""
    rows = itertools.cycle(bench.shuffled())
    asked = bench.asked
    warm = Repetitions(asked.warmup, 0.0, bench.deadline)
    while warm.done < asked.warmup and warm.go_on():
        bench.answer(next(rows))
        warm.done += 1
        bench.tell()
    seconds: list[float] = []
    timed = Repetitions(asked.min_iterations, asked.min_seconds, bench.deadline)
    while timed.go_on():
        row = next(rows)
        bench.synchronise()
        started = time.monotonic()
        bench.answer(row)
        bench.synchronise()
        seconds.append(time.monotonic() - started)
        timed.done += 1
        bench.tell()
    detail = f"batch 1, {warm.done} warm-ups, {timed.elapsed:.1f} s{timed.cut_short()}"
    figures.add_percentiles("latency_p{}_ms", seconds, POINTS, detail=detail)


@dataclass
class Tally:
    """What was done in some seconds."""

    items: int = 0
    units: int = 0
    written: int = 0  # tokens
    seconds: float = 0.0

    @property
    def pace(self) -> float:
        return self.units / self.seconds if self.seconds else 0.0


def offline(bench: Bench, figures: Figures, meter: Meter) -> None:
    """Throughput at the budget beyond which twice as much gains less than 3 %."""
    task = bench.task
    rows = bench.shuffled()[:MOST_ITEMS]
    lengths = task.lengths(rows)
    sound = task.settings.get("audio_seconds")
    best = _best_budget(bench, lengths)
    watch = meter.start()
    tally = _paced(bench, lengths, best, bench.asked.min_seconds)
    watch.stop(figures, items=tally.items, seconds=tally.seconds)
    detail = f"batches of at most {best.items} items and {best.tokens} {task.unit}, {tally.seconds:.1f} s"
    per_second = {"items_per_second": tally.items}
    if tally.written:
        per_second["output_tokens_per_second"] = tally.written
    elif task.unit == "tokens":
        per_second["input_tokens_per_second"] = tally.units
    for name, count in per_second.items():
        figures.add(name, round(count / tally.seconds, 4), n=tally.items, detail=detail)
    if isinstance(sound, float):
        heard = sound * tally.units / sum(lengths)
        figures.add("rtfx", round(heard / tally.seconds, 4), n=tally.items, detail=detail)


def _best_budget(bench: Bench, lengths: Sequence[int]) -> Budget:
    """Starts from the budget of the run and doubles it while that pays; out of memory ends it."""
    trial = TRIAL_SHARE * bench.asked.min_seconds
    best, pace = bench.budget, _paced(bench, lengths, bench.budget, trial).pace
    for _ in range(MOST_DOUBLINGS):
        larger = replace(best, tokens=2 * best.tokens, items=2 * best.items)
        one_batch = len(plan(lengths, best)) == 1
        if one_batch or not _has_room(bench) or time.monotonic() + 2 * trial > bench.deadline:
            break
        try:
            faster = _paced(bench, lengths, larger, trial).pace
        except OutOfMemory:
            free_memory(bench.task.loaded)
            break
        if faster < LEAST_GAIN * pace:
            break
        best, pace = larger, faster
    return best


def _has_room(bench: Bench) -> bool:
    """On a CPU too much memory ends the process instead of raising an error."""
    if bench.task.loaded.device.type != "cpu":
        return True
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return 2 * peak < SAFE_SHARE * bench.ram_bytes


def _paced(bench: Bench, lengths: Sequence[int], budget: Budget, seconds: float) -> Tally:
    """Batches in random order, so that any part of them is a fair one, for so many seconds."""
    batches = plan(lengths, budget)
    random.Random(bench.asked.seed).shuffle(batches)
    tally = Tally()
    bench.synchronise()
    pace = Repetitions(1, seconds, bench.deadline)
    while pace.go_on():
        for indexes, batch in ahead(batches, bench.task.prepare):
            results = bench.task.compute(batch)
            tally.items += len(indexes)
            tally.units += sum(lengths[index] for index in indexes)
            tally.written += sum(_written(result) for result in results)
            pace.done += 1
            bench.tell()
            if not pace.go_on():
                break
    bench.synchronise()
    tally.seconds = pace.elapsed
    return tally


def _written(result: Result) -> int:
    """Tokens that the model wrote for one item."""
    outputs: Any = result.get("outputs")
    return sum(_tokens(outputs)) if isinstance(outputs, list) else 0


def _tokens(outputs: list[Any]) -> Iterator[int]:
    for output in outputs:
        if isinstance(output, dict) and isinstance(output.get("tokens"), int):
            yield output["tokens"]
