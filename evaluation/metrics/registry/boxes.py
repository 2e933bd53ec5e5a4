"""Metrics of object detection, as COCO defines them."""

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry.metric import Metric, Need

BOXES: frozenset[Need] = frozenset({"boxes"})


def _precision(name: str, title: str, description: str, *, area: str = "all") -> Metric:
    return Metric(
        name=name,
        title=title,
        description=description,
        needs=BOXES | {f"{area} objects"},
        interval="corpus",
        library="pycocotools COCOeval",
        unit="score",
    )


REQUESTS: tuple[RequestKind, ...] = ("detect",)

METRICS = (
    _precision(
        "map_50_95",
        "mAP 50–95",
        "Average precision over recall, averaged over classes and over overlaps (IoU) of 0.50, 0.55, … 0.95.",
    ),
    _precision("ap50", "AP 50", "The same where half of the union overlapping is enough."),
    _precision("ap75", "AP 75", "The same where three quarters of the union must overlap."),
    _precision("map_small", "mAP, small", "mAP of objects under 32 × 32 pixels.", area="small"),
    _precision("map_medium", "mAP, medium", "mAP of objects between 32 × 32 and 96 × 96 pixels.", area="medium"),
    _precision("map_large", "mAP, large", "mAP of objects over 96 × 96 pixels.", area="large"),
    _precision(
        "ar100", "Average recall", "Share of the objects found by a hundred boxes an image, over the same overlaps."
    ),
)
