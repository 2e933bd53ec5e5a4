"""Metrics of any written text: how much was written, and whether it was cut."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

TEXTS: frozenset[Need] = frozenset({"texts"})

REQUESTS: tuple[RequestKind, ...] = ("generate",)

METRICS = (
    Metric(
        name="truncated_share",
        title="Cut answers",
        description="Share of items with a text that the limit of new tokens ended, not the model.",
        needs=TEXTS,
        interval="proportion",
        library="own",
        higher_is_better=False,
    ),
    Metric(
        name="tokens_out",
        title="Tokens written",
        description="Mean number of tokens per text, in the model's own tokens; it costs time and is no merit.",
        needs=TEXTS,
        interval="mean",
        library="own",
        unit="tokens",
        range=(0.0, None),
        higher_is_better=False,
    ),
    Metric(
        name="length_ratio",
        title="Length ratio",
        description="Words of all texts divided by words of their references; 1 is as long, neither side is better.",
        needs=TEXTS,
        interval="corpus",
        library="own",
        unit="ratio",
        range=(0.0, None),
    ),
)
