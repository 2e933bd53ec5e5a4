"""What a run cost, and in which surroundings; written to measurements.json."""

import os
import platform
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from evaluation.runner import RUNNER_VERSION
from evaluation.runner.batching import BatchRunner
from evaluation.runner.loading import Loaded

KEPT_BACK = (0.1, 30.0)  # of the run's time limit: a share, and at least so many seconds
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "pillow")


@dataclass
class Clock:
    """Seconds per phase of one run."""

    phases: dict[str, float] = field(default_factory=dict)
    first_answer: float | None = None  # seconds after the process began
    _since: float = field(default_factory=time.monotonic)

    def lap(self, phase: str) -> float:
        now = time.monotonic()
        self.phases[phase] = round(now - self._since, 4)
        self._since = now
        return self.phases[phase]

    def answered(self) -> None:
        """Notes the first answer of this attempt."""
        if self.first_answer is None:
            self.first_answer = round(seconds_since_start(), 4)


@dataclass(frozen=True)
class Process:
    """What came before a run in the process that it shares."""

    start_seconds: float  # interpreter and imports, paid once
    runs_before: int


def seconds_since_start() -> float:
    """Since this process began, interpreter and imports included."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def seconds_left(limits: Mapping[str, float]) -> float:
    """Of the run's time limit, less what is kept back for handing in."""
    limit = 60 * float(limits.get("minutes", 60))
    return limit - max(KEPT_BACK[0] * limit, KEPT_BACK[1]) - seconds_since_start()


def versions() -> dict[str, str]:
    return {"runner": RUNNER_VERSION, "python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def forget_peaks(device: torch.device) -> None:
    """What runs before this one reserved on the device is none of its."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device, process: Process) -> dict[str, int | None]:
    """Bytes; VRAM is what torch reserved on the device, None on a CPU.

    The high-water mark of main memory is the process's: of a run that others went before it says nothing.
    """
    on_gpu = device.type == "cuda"
    return {
        "rss_bytes": None if process.runs_before else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "vram_bytes": torch.cuda.max_memory_reserved(device) if on_gpu else None,
    }


def measurements(
    *,
    loaded: Loaded,
    was_loaded: bool,
    driver: BatchRunner[Any, Any],
    clock: Clock,
    items: int,
    done: int,
    process: Process,
) -> dict[str, Any]:
    """Facts about one finished run. `done` of `items` were computed now; the others came from an earlier attempt."""
    seconds = clock.phases.get("tokenise", 0.0) + clock.phases.get("compute", 0.0)
    return {
        "load_seconds": round(loaded.load_seconds, 4),
        "load": "warm" if was_loaded else "cold",
        "phases": clock.phases,
        "process": {"start_seconds": round(process.start_seconds, 4), "runs_before": process.runs_before},
        "seconds": round(seconds, 4),
        "items": items,
        "items_resumed": items - done,
        "items_per_second": round(done / seconds, 4) if seconds and done else None,
        "parameters": loaded.snapshot.parameters,
        "stored_dtypes": list(loaded.snapshot.stored_dtypes),
        "dtype": str(loaded.dtype).removeprefix("torch."),
        "device": _device_name(loaded.device),
        "attention": getattr(loaded.config, "_attn_implementation", None),
        "compiled": False,
        "threads": loaded.threads,
        "budget": {"tokens": driver.budget.tokens, "items": driver.budget.items},
        "batches": driver.batches_run,
        "halvings": driver.halvings,
        "peak": peak_memory(loaded.device, process),
        "versions": versions(),
    }


def sound_speed(settings: dict[str, object], facts: dict[str, Any]) -> dict[str, float]:
    """Seconds of sound per second of work; nothing for items without sound, or when an earlier attempt did some."""
    sound = settings.get("audio_seconds")
    if not isinstance(sound, float) or facts["items_resumed"] or not facts["seconds"]:
        return {}
    return {"rtfx": round(sound / facts["seconds"], 4)}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
