"""Several ways to answer the same items, in turns in one process: who answers how many a second, and what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.table import Row, at_least


@dataclass(frozen=True)
class Outcome:
    """The best round of each way, and its last answers."""

    seconds: Mapping[str, float]
    answers: Mapping[str, Any]

    def fastest(self, among: Sequence[str]) -> str:
        return min(among, key=lambda way: self.seconds[way])


@dataclass(frozen=True)
class Figure:
    """One line of a comparison, as a process prints it for its parent."""

    title: str
    ours: float  # items a second
    theirs: float
    beside: str
    largest_difference: float
    same: bool
    unit: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

    def rows(self, least: float) -> list[Row]:
        here, beside = f"{self.ours:.3g}/s", f"{self.beside} {self.theirs:.3g}/s"
        difference = f"largest difference {self.largest_difference:.0e}{self.unit}"
        answers = "the same" if self.same else "others"
        return [
            at_least(self.title, here, beside, ratio=self.ratio, least=least),
            Row(f"{self.title}: answers", answers, difference, None, "equal", self.same),
        ]


def in_turns(ways: Mapping[str, Callable[[], Any]], rounds: int) -> Outcome:
    """Rounds alternate, so that a busy moment meets all; the best round of each counts."""
    seconds: dict[str, float] = {}
    answers: dict[str, Any] = {}
    for _ in range(rounds):
        for way, answer in ways.items():
            started = time.perf_counter()
            answers[way] = answer()
            seconds[way] = min(seconds.get(way, float("inf")), time.perf_counter() - started)
    return Outcome(seconds, answers)


def with_passive_threads() -> None:
    """Starts this process anew as in the sandbox, for all: spinning threads measure the neighbours.

    OpenMP reads it when torch is loaded.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.execve(sys.executable, sys.orig_argv, os.environ | {"OMP_WAIT_POLICY": "PASSIVE"})


def figures_of(module: str, *arguments: str) -> list[Figure]:
    """What a module of this folder printed with `--json`, in a process of its own."""
    command = [sys.executable, "-m", f"tests.bench.{module}", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"tests.bench.{module}: {done.stdout}\n{done.stderr}")
    return [Figure(**found) for found in json.loads(done.stdout.splitlines()[-1])]


def show(figures: Sequence[Figure], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([vars(figure) for figure in figures]))
        return
    for figure in figures:
        print(f"{figure.title}: {figure.ours:.2f}/s, {figure.beside} {figure.theirs:.2f}/s: {figure.ratio:.2f}")
        print(f"  the same answers: {figure.same}; largest difference {figure.largest_difference:.1e}{figure.unit}")
