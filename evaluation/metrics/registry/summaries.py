"""Metrics of summaries."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.generated import TEXTS
from evaluation.metrics.registry.metric import Metric

REQUESTS: tuple[RequestKind, ...] = ("generate",)


def _rouge(name: str, title: str, description: str) -> Metric:
    return Metric(
        name=name,
        title=title,
        description=description,
        needs=TEXTS,
        interval="mean",
        library="own, rouge-score 0.1.2 with use_stemmer=True",
    )


METRICS = (
    _rouge("rouge1_f", "ROUGE-1", "F1 of the words that text and reference share, after stemming; English only."),
    _rouge("rouge2_f", "ROUGE-2", "F1 of the pairs of neighbouring words that text and reference share, stemmed."),
    _rouge("rougeL_f", "ROUGE-L", "F1 of the longest sequence of words that text and reference have in one order."),
    _rouge("rougeLsum_f", "ROUGE-Lsum", "ROUGE-L sentence by sentence: what any sentence of the text covers counts."),
)
