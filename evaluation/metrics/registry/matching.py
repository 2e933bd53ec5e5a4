"""Metrics of written answers of which only one is right."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.generated import TEXTS
from evaluation.metrics.registry.metric import Metric

REQUESTS: tuple[RequestKind, ...] = ("generate",)

METRICS = (
    Metric(
        name="exact_match",
        title="Exact match",
        description="Share of texts that equal a right answer after the benchmark's filters.",
        needs=TEXTS,
        interval="proportion",
        library="lm_eval exact_match",
        params={"ignore_case": 0, "ignore_punctuation": 0},
    ),
    Metric(
        name="no_answer",
        title="No answer found",
        description="Share of items in whose texts the benchmark's filters find no answer.",
        needs=TEXTS,
        interval="proportion",
        library="own",
        higher_is_better=False,
    ),
)
