"""Metrics of short answers that ten people gave, too."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

SHORT_ANSWERS: frozenset[Need] = frozenset({"short answers"})

REQUESTS: tuple[RequestKind, ...] = ("vqa",)

METRICS = (
    Metric(
        name="vqa_accuracy",
        title="VQA accuracy",
        description="A third for each of the people who gave the same answer, at most one, leaving one person out at a "
        "time; after the normaliser that the benchmark names.",
        needs=SHORT_ANSWERS,
        interval="mean",
        library="own, Antol et al. 2015",
    ),
)
