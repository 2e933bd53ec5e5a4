"""What gunicorn's master and workers use: processor time and memory, as the kernel tells it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

from tests.processes import Hub

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Memory:
    """In bytes: the resident memory of each process, and what all of them share out among themselves (PSS)."""

    rss: dict[int, int]
    pss: int

    @property
    def rss_together(self) -> int:
        return sum(self.rss.values())


@dataclass
class Usage:
    """Filled when the watched block ends; each peak by itself, in bytes."""

    cpu_seconds: float = 0.0
    rss_peaks: dict[int, int] = field(default_factory=dict)
    together_peak: int = 0
    pss_peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def note(self, now: Memory) -> None:
        self.rss_peaks |= {pid: max(rss, self.rss_peaks.get(pid, 0)) for pid, rss in now.rss.items()}
        self.together_peak = max(self.together_peak, now.rss_together)
        self.pss_peak = max(self.pss_peak, now.pss)


def processes(hub: Hub) -> list[psutil.Process]:
    master = next(child for child in hub.running if child.name.startswith("web-"))
    root = psutil.Process(master.process.pid)
    return [root, *root.children(recursive=True)]


def cpu_seconds(hub: Hub) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes(hub))


def memory(hub: Hub) -> Memory:
    used = {process.pid: process.memory_full_info() for process in processes(hub)}
    return Memory({pid: one.rss for pid, one in used.items()}, sum(one.pss for one in used.values()))


@contextlib.contextmanager
def watched(hub: Hub) -> Iterator[Usage]:
    """Processor time and the highest memory of the web while the block runs."""
    usage, before = Usage(), cpu_seconds(hub)
    sampler = threading.Thread(target=_sample, args=(hub, usage), daemon=True)
    sampler.start()
    try:
        yield usage
    finally:
        usage._stop.set()
        sampler.join()
        usage.cpu_seconds = cpu_seconds(hub) - before


def _sample(hub: Hub, usage: Usage) -> None:
    while True:
        with contextlib.suppress(psutil.NoSuchProcess):
            usage.note(memory(hub))
        if usage._stop.wait(SAMPLE_SECONDS):
            return
