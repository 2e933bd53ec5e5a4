"""The metrics there are, and what their numbers mean: one file per family. Formulas live in `metrics.formulas`.

A family names the requests whose answers it judges, and its metrics.
"""

from collections import ChainMap

from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.registry import (
    boxes,
    captions,
    choices,
    entities,
    features,
    generated,
    labels,
    maps,
    masks,
    matching,
    mteb,
    multilabel,
    perplexity,
    ranks,
    short_answers,
    spans,
    summaries,
    transcripts,
    translations,
)
from evaluation.metrics.registry.derived import derived_from
from evaluation.metrics.registry.metric import Metric

__all__ = ["DERIVED", "FIGURES", "REGISTRY", "Metric", "metrics_of"]

_FAMILIES = (
    boxes,
    captions,
    choices,
    entities,
    features,
    generated,
    labels,
    maps,
    masks,
    matching,
    mteb,
    multilabel,
    perplexity,
    ranks,
    short_answers,
    spans,
    summaries,
    transcripts,
    translations,
)

REGISTRY: dict[str, Metric] = {metric.name: metric for family in _FAMILIES for metric in family.METRICS}
DERIVED = derived_from(tuple(REGISTRY.values()))  # what scoring makes of them between groups of items
FIGURES = ChainMap(REGISTRY, DERIVED)  # all that a score may be named


def metrics_of(request: RequestKind) -> tuple[str, ...]:
    """The names of the metrics that judge answers to this request."""
    return tuple(metric.name for family in _FAMILIES if request in family.REQUESTS for metric in family.METRICS)
