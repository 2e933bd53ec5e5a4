"""Metrics of captions, after the normaliser that the benchmark names."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

CAPTIONS: frozenset[Need] = frozenset({"captions"})

REQUESTS: tuple[RequestKind, ...] = ("caption",)

METRICS = (
    Metric(
        name="cider",
        title="CIDEr-D",
        description="Likeness to the references in one to four words on end, where what few images have counts more.",
        needs=CAPTIONS,
        interval="mean",
        library="pycocoevalcap Cider, on the same words",
        unit="score",
        range=(0.0, 10.0),
    ),
    Metric(
        name="bleu4",
        title="BLEU-4",
        description="Share of one to four words on end that a reference has, over the corpus, less for short captions.",
        needs=CAPTIONS,
        interval="corpus",
        library="sacrebleu without smoothing, on the same words, divided by 100",
        unit="score",
    ),
)
