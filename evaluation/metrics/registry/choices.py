"""Metrics of choices that a language model makes by likelihood."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

CHOICES: frozenset[Need] = frozenset({"choices"})

REQUESTS: tuple[RequestKind, ...] = ("loglikelihood",)

METRICS = (
    Metric(
        name="acc",
        title="Accuracy",
        description="Share of items whose right choice is the likeliest.",
        needs=CHOICES,
        interval="proportion",
        library="lm_eval acc",
    ),
    Metric(
        name="acc_norm",
        title="Accuracy by length",
        description="Share of items whose right choice is the likeliest per character, so that short ones gain none.",
        needs=CHOICES,
        interval="proportion",
        library="lm_eval acc_norm",
    ),
    Metric(
        name="acc_bytes",
        title="Accuracy by bytes",
        description="Share of items whose right choice is the likeliest per byte of UTF-8; fair between scripts.",
        needs=CHOICES,
        interval="proportion",
        library="lm_eval acc_bytes",
    ),
    Metric(
        name="acc_rescaled",
        title="Accuracy above chance",
        description="Accuracy moved so that guessing is 0 and all right is 1; below 0 is worse than guessing.",
        needs=CHOICES,
        interval="mean",
        library="own",
        unit="score",
        range=(-1.0, 1.0),
    ),
)
