"""All figures of one run, each by itself: one that fails takes no other along."""

import contextlib
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from evaluation.runner.batching import Budget, OutOfMemory
from evaluation.runner.computing import free_memory
from evaluation.runner.efficiency import energy, language
from evaluation.runner.efficiency.figures import Asked, Figures
from evaluation.runner.efficiency.flops import count_flops
from evaluation.runner.efficiency.memory import ResidentMemory
from evaluation.runner.efficiency.scenarios import POINTS, Bench, offline, single_stream
from evaluation.runner.events import Events
from evaluation.runner.failures import RunFailed
from evaluation.runner.loading import Loaded
from evaluation.runner.measuring import seconds_left
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks import Task

MOST_OF_BUDGET = {"single_stream": 0.4, "language": 0.7, "offline": 1.0}  # of the time bound, when it is over
WARM = 0.5
LATENCIES = tuple(f"latency_p{point}_ms" for point in POINTS)
THROUGHPUT = ("items_per_second", *energy.NAMES)


@dataclass(frozen=True)
class Load:
    """How the model came into memory."""

    seconds: float | None  # from the start of the process to the first answer; None when there was none to wait for
    cached: float | None  # share of the weights in the system's page cache before; None: not known

    @property
    def detail(self) -> str:
        if self.cached is None:
            return "page cache unknown"
        return f"page cache {'warm' if self.cached > WARM else 'cold'} ({self.cached:.0%} of the weights)"


def measure(
    run: RunSpec, task: Task, *, rows: Sequence[InputRow], budget: Budget, load: Load, events: Events
) -> dict[str, Any]:
    """The figures as JSON. Answers and measurements of the run are written by now, and stay as they are."""
    started = time.monotonic()
    asked, figures = Asked.of(run.efficiency or {}, run.seed), Figures()
    allowed = min(asked.max_seconds, seconds_left(run.limits))

    def tell() -> None:
        events.progress("measuring", 1 + int(time.monotonic() - started), 2 + int(max(allowed, 0)))

    bench = Bench(
        task=task,
        rows=rows,
        asked=asked,
        deadline=started + allowed,
        budget=replace(budget),
        ram_bytes=2**30 * float(run.limits.get("ram_gb", 32)),
        tell=tell,
    )
    events.progress("measuring", 0, 2 + int(max(allowed, 0)))  # always said: from here on the answers are safe
    _state(task.loaded, load, figures)
    meter = energy.Meter.of(task.loaded.device)
    if allowed > 0:
        with _watched_memory(task.loaded, figures):
            _scenarios(bench, figures, meter, allowed)
    else:
        figures.lack("The time limit of the run left none for this.", *LATENCIES, *THROUGHPUT, "flops")
    return figures.as_json() | {
        "seconds": round(time.monotonic() - started, 3),
        "asked": asdict(asked) | {"scenarios": list(asked.scenarios)},
        "shared": meter.is_shared,
    }


def _scenarios(bench: Bench, figures: Figures, meter: energy.Meter, allowed: float) -> None:
    def until(name: str) -> Bench:
        return replace(bench, deadline=bench.deadline - (1 - MOST_OF_BUDGET[name]) * allowed)

    decoder = language.decoder_of(bench.task)
    texts: language.Texts | None = None
    with _told_if_failed(figures, "flops", *language.NAMES):
        texts = language.Texts(until("language"), decoder) if decoder is not None else None
    with _told_if_failed(figures, "flops"):
        _flops(bench, texts, figures)
    if "single_stream" in bench.asked.scenarios:
        with _told_if_failed(figures, *LATENCIES):
            single_stream(until("single_stream"), figures)
    if texts is not None:
        with _told_if_failed(figures, *language.NAMES):
            language.first_and_further_tokens(texts, figures)
    if "offline" in bench.asked.scenarios:
        with _told_if_failed(figures, *THROUGHPUT):
            offline(until("offline"), figures, meter)


def _flops(bench: Bench, texts: language.Texts | None, figures: Figures) -> None:
    """Of a language model: a prompt up to its first new token. Of others: one item of middling length."""
    if texts is not None:
        counted = count_flops(lambda: texts.write(new_tokens=1))
        figures.add("flops", counted, detail=f"a prompt of {texts.prompt_tokens} tokens and the first new token")
        return
    rows = bench.shuffled()[:501]
    lengths = bench.task.lengths(rows)
    middle = sorted(range(len(rows)), key=lambda index: (lengths[index], index))[len(rows) // 2]
    prepared = bench.task.prepare([middle])
    counted = count_flops(lambda: bench.task.compute(prepared))
    shapes = ", ".join(f"{name} {'×'.join(map(str, one.shape))}" for name, one in prepared.items())
    figures.add("flops", counted, detail=f"one item: {shapes}")


def _state(loaded: Loaded, load: Load, figures: Figures) -> None:
    """What needs no measuring."""
    figures.add("parameters", loaded.snapshot.parameters)
    figures.add("weight_bytes", weight_bytes(loaded))
    if load.seconds is None:
        figures.lack("Nothing was computed after loading: the answers came from an earlier attempt.", "load_seconds")
    else:
        figures.add("load_seconds", load.seconds, detail=load.detail)


def weight_bytes(loaded: Loaded) -> int:
    """All tensors; the files were found to hold a header and nothing else besides."""
    total = 0
    for path in loaded.snapshot.weights:
        with path.open("rb") as stream:
            header: int = struct.unpack("<Q", stream.read(8))[0]
        total += path.stat().st_size - 8 - header
    return total


@contextlib.contextmanager
def _watched_memory(loaded: Loaded, figures: Figures) -> Iterator[None]:
    on_gpu = loaded.device.type == "cuda"
    if on_gpu:
        free_memory(loaded)
        torch.cuda.reset_peak_memory_stats(loaded.device)
    else:
        figures.lack("This ran on a CPU.", "peak_vram_bytes", "peak_vram_allocated_bytes")
    with ResidentMemory() as watched:
        yield
    if on_gpu:
        figures.add("peak_vram_bytes", torch.cuda.max_memory_reserved(loaded.device))
        figures.add("peak_vram_allocated_bytes", torch.cuda.max_memory_allocated(loaded.device))
    if watched.bytes is None:
        figures.lack("No process could be started to watch the memory.", "peak_rss_bytes")
    else:
        figures.add("peak_rss_bytes", watched.bytes, n=watched.samples)


@contextlib.contextmanager
def _told_if_failed(figures: Figures, *names: str) -> Iterator[None]:
    """A figure that cannot be measured is absent; the answers of the run stand."""
    try:
        yield
    except RunFailed as problem:
        figures.lack(problem.message, *names)
    except OutOfMemory:
        figures.lack("There was too little memory for this.", *names)
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError, OSError) as problem:
        said = str(problem).splitlines() or [""]
        figures.lack(f"The model failed at this: {type(problem).__name__} {said[0]}", *names)
