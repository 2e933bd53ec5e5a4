"""Metrics of items that may have several labels, or none."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

SEPARATE: frozenset[Need] = frozenset({"separate probabilities"})

REQUESTS: tuple[RequestKind, ...] = ("classify", "image-classify", "audio-classify")

METRICS = (
    Metric(
        name="multilabel_map",
        title="Mean average precision",
        description="Area under precision over recall of each label that occurs, averaged with equal weight.",
        needs=SEPARATE,
        interval="corpus",
        library="scikit-learn average_precision_score, macro",
    ),
    Metric(
        name="multilabel_micro_f1",
        title="Micro F1 at 0.5",
        description="F1 over all decisions of all labels, where a label is given from a probability of one half.",
        needs=SEPARATE,
        interval="corpus",
        library="scikit-learn f1_score, micro",
    ),
    Metric(
        name="multilabel_macro_f1",
        title="Macro F1 at 0.5",
        description="F1 of each label, averaged with equal weight; a label is given from a probability of one half.",
        needs=SEPARATE,
        interval="corpus",
        library="scikit-learn f1_score, macro",
    ),
)
