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
    """Of all web processes together, in bytes; PSS divides shared pages among those who share them."""

    rss: int
    pss: int


@dataclass
class Usage:
    """Filled when the watched block ends."""

    cpu_seconds: float = 0.0
    rss_peak: int = 0
    pss_peak: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)


def processes(hub: Hub) -> list[psutil.Process]:
    master = next(child for child in hub.running if child.name.startswith("web-"))
    root = psutil.Process(master.process.pid)
    return [root, *root.children(recursive=True)]


def cpu_seconds(hub: Hub) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes(hub))


def memory(hub: Hub) -> Memory:
    used = [process.memory_full_info() for process in processes(hub)]
    return Memory(sum(one.rss for one in used), sum(one.pss for one in used))


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
            now = memory(hub)
            usage.rss_peak, usage.pss_peak = max(usage.rss_peak, now.rss), max(usage.pss_peak, now.pss)
        if usage._stop.wait(SAMPLE_SECONDS):
            return
