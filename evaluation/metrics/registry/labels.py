"""Metrics of classified items."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

LABELS: frozenset[Need] = frozenset({"labels"})
PROBABILITIES: frozenset[Need] = frozenset({"labels", "probabilities"})

REQUESTS: tuple[RequestKind, ...] = ("classify", "image-classify", "audio-classify", "zero-shot")

METRICS = (
    Metric(
        name="accuracy",
        title="Accuracy",
        description="Share of items that got the right label.",
        needs=LABELS,
        interval="proportion",
        library="scikit-learn accuracy_score",
    ),
    Metric(
        name="macro_f1",
        title="Macro F1",
        description="F1 of each class, averaged with equal weight; a class nobody predicted counts 0.",
        needs=LABELS,
        interval="corpus",
        library="scikit-learn f1_score",
    ),
    Metric(
        name="macro_precision",
        title="Macro precision",
        description="Of the items given a class the share that has it, averaged over classes with equal weight.",
        needs=LABELS,
        interval="corpus",
        library="scikit-learn precision_score",
    ),
    Metric(
        name="macro_recall",
        title="Macro recall",
        description="Of the items of a class the share that was found, averaged over classes with equal weight.",
        needs=LABELS,
        interval="corpus",
        library="scikit-learn recall_score",
    ),
    Metric(
        name="mcc",
        title="Matthews correlation",
        description="Correlation of predicted and true labels; 0 is chance, also with unequal classes.",
        needs=LABELS,
        interval="corpus",
        library="scikit-learn matthews_corrcoef",
        unit="correlation",
        range=(-1.0, 1.0),
    ),
    Metric(
        name="top5",
        title="Top-5 accuracy",
        description="Share of items whose right label is among the five most probable.",
        needs=PROBABILITIES,
        interval="proportion",
        library="scikit-learn top_k_accuracy_score",
    ),
    Metric(
        name="ece",
        title="Calibration error",
        description="Mean gap between confidence and accuracy over equally wide bins of confidence.",
        needs=PROBABILITIES,
        interval="corpus",
        library="own, Guo et al. 2017, equation 3",
        higher_is_better=False,
        params={"bins": 15},
    ),
    Metric(
        name="brier",
        title="Brier score",
        description="Squared distance of the probabilities from the truth, summed over classes, averaged over items.",
        needs=PROBABILITIES,
        interval="mean",
        library="scikit-learn brier_score_loss",
        unit="score",
        range=(0.0, 2.0),
        higher_is_better=False,
    ),
    Metric(
        name="log_loss",
        title="Log loss",
        description="Mean negative logarithm of the probability given to the right label.",
        needs=PROBABILITIES,
        interval="mean",
        library="scikit-learn log_loss",
        unit="nats",
        range=(0.0, None),
        higher_is_better=False,
    ),
)
