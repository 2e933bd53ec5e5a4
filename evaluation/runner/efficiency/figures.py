"""The figures of one measurement, and what a definition asks of it."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaluation.runner.efficiency import PROTOCOL

LEAST_OBSERVATIONS = {50: 1, 90: 10, 95: 20, 99: 1000}  # below, a percentile says nothing
LONGEST_TEXT = 300  # characters of a detail or a reason


@dataclass(frozen=True)
class Asked:
    """The `efficiency` part of a definition."""

    scenarios: tuple[str, ...]
    warmup: int
    min_iterations: int
    min_seconds: float
    max_seconds: float  # of the whole measurement: what is not done by then is absent, or rests on fewer repetitions
    seed: int

    @classmethod
    def of(cls, options: Mapping[str, Any], seed: int) -> "Asked":
        return cls(
            scenarios=tuple(str(name) for name in options.get("scenarios") or ()),
            warmup=int(options.get("warmup", 10)),
            min_iterations=int(options.get("min_iterations", 200)),
            min_seconds=float(options.get("min_seconds", 10.0)),
            max_seconds=float(options.get("max_seconds", 120.0)),
            seed=seed,
        )


@dataclass
class Figures:
    """Named figures with what they rest on, and reasons for those that are missing."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float, *, n: int = 1, detail: str = "") -> None:
        """A figure that is not finite is absent."""
        if math.isfinite(value):
            self.values[name] = {"value": value, "n": n, "detail": detail[:LONGEST_TEXT]}
            self.absent.pop(name, None)
        else:
            self.lack("The measurement gave no finite number.", name)

    def lack(self, reason: str, *names: str) -> None:
        for name in names:
            if name not in self.values:
                self.absent[name] = reason[:LONGEST_TEXT]

    def add_percentiles(self, name: str, seconds: Sequence[float], points: Sequence[int], *, detail: str) -> None:
        """In milliseconds, under `name` with the point in place of `{}`; nearest rank, so each was observed."""
        ordered = sorted(seconds)
        for point in points:
            full = name.format(point)
            if len(ordered) < LEAST_OBSERVATIONS[point]:
                self.lack(f"This needs {LEAST_OBSERVATIONS[point]} observations; there were {len(ordered)}.", full)
                continue
            value = ordered[math.ceil(point / 100 * len(ordered)) - 1]
            self.add(full, round(1000 * value, 6), n=len(ordered), detail=detail)

    def as_json(self) -> dict[str, Any]:
        return {"protocol": PROTOCOL, "values": self.values, "absent": self.absent}


@dataclass
class Repetitions:
    """Counts repetitions until there are enough of them and they took long enough, or time is up."""

    least: int
    seconds: float
    deadline: float  # time.monotonic()
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def go_on(self) -> bool:
        """Whether one more is wanted. The first always is."""
        if self.done and time.monotonic() >= self.deadline:
            return False
        return self.done < max(self.least, 1) or self.elapsed < self.seconds

    def cut_short(self) -> str:
        """A remark for the detail where the time bound ended it."""
        full = self.done >= self.least and self.elapsed >= self.seconds
        return "" if full else f"; cut short by the time bound, {self.least} were asked"
