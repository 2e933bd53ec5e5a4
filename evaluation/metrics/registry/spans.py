"""Metrics of answers that are parts of a context."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

ANSWERS: frozenset[Need] = frozenset({"answers"})

REQUESTS: tuple[RequestKind, ...] = ("span",)

METRICS = (
    Metric(
        name="squad_f1",
        title="Answer F1",
        description="Words shared with the nearest right answer, after SQuAD's normalisation; no answer equals none.",
        needs=ANSWERS,
        interval="mean",
        library="own, the rules of SQuAD's evaluate-v2.0.py",
    ),
    Metric(
        name="squad_exact_match",
        title="Exact answers",
        description="Share of answers equal to a right one, after SQuAD's normalisation.",
        needs=ANSWERS,
        interval="proportion",
        library="own, the rules of SQuAD's evaluate-v2.0.py",
    ),
)
