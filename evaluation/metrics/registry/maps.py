"""Metrics of semantic segmentation, over the pixels of the whole corpus."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

MAPS: frozenset[Need] = frozenset({"maps"})

REQUESTS: tuple[RequestKind, ...] = ("segment",)

METRICS = (
    Metric(
        name="miou",
        title="Mean IoU",
        description="Pixels shared over pixels of truth or prediction, per label over the whole corpus, averaged over "
        "labels; pixels whose value is no label are left out.",
        needs=MAPS,
        interval="corpus",
        library="scikit-learn jaccard_score, macro",
    ),
    Metric(
        name="pixel_accuracy",
        title="Pixel accuracy",
        description="Share of the pixels of the whole corpus that got the right label.",
        needs=MAPS,
        interval="corpus",
        library="scikit-learn accuracy_score",
    ),
)
