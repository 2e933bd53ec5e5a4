"""The runner beside `transformers.pipeline`, lm_eval's HFLM and mteb's loop, each pair in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.contest import figures_of
from tests.bench.site import progress
from tests.bench.table import Row


@dataclass(frozen=True)
class Counts:
    """Items of each kind, and how often all are answered."""

    texts: int = 800
    images: int = 48
    sounds: int = 24
    choices: int = 24
    documents: int = 600
    rounds: int = 3


def measure(counts: Counts) -> list[Row]:
    rounds = ("--rounds", str(counts.rounds))
    progress(f"runner: {counts.texts} texts")
    at_32, at_best = figures_of("runner_vs_pipeline", "--texts", str(counts.texts), *rounds)
    rows = at_32.rows(least=3) + at_best.rows(least=1.5)
    progress(f"runner: {counts.images} images, {counts.sounds} sounds")
    media = ("--images", str(counts.images), "--sounds", str(counts.sounds))
    rows += [row for figure in figures_of("media_vs_pipeline", *media, *rounds) for row in figure.rows(least=1.3)]
    progress(f"runner: likelihoods of {counts.choices} items")
    for figure in figures_of("likelihood_vs_lm_eval", "--items", str(counts.choices), *rounds):
        rows += figure.rows(least=2)
    progress(f"runner: embeddings of {counts.documents} documents")
    at_32, at_best = figures_of("embeddings_vs_mteb", "--documents", str(counts.documents), *rounds)
    return rows + at_32.rows(least=1.5) + at_best.rows(least=1)
