"""Metrics of translations; 0 to 100, as sacrebleu and the literature write them."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.generated import TEXTS
from evaluation.metrics.registry.metric import Metric

REQUESTS: tuple[RequestKind, ...] = ("generate",)

METRICS = (
    Metric(
        name="chrf_pp",
        title="chrF++",
        description="Shared runs of up to six characters and two words, over the whole corpus, recall counting double.",
        needs=TEXTS,
        interval="corpus",
        library="sacrebleu CHRF(word_order=2)",
        unit="points",
        range=(0.0, 100.0),
    ),
    Metric(
        name="bleu",
        title="BLEU",
        description="Precision of runs of up to four words over the whole corpus, cut for texts that are too short.",
        needs=TEXTS,
        interval="corpus",
        library="sacrebleu BLEU",
        unit="points",
        range=(0.0, 100.0),
    ),
)
