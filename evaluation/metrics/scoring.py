"""From predictions and gold to the numbers on the score page."""

from collections.abc import Iterator, Mapping

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.metrics import fairness, robustness
from evaluation.metrics.arrays import Floats
from evaluation.metrics.classification import classification
from evaluation.metrics.columns import Column, cluster_column
from evaluation.metrics.divisions import least_of, members, size_of
from evaluation.metrics.drawing import Draws
from evaluation.metrics.intervals import (
    Interval,
    bootstrap_draws,
    mean_interval,
    percentile_interval,
    proportion_interval,
)
from evaluation.metrics.judgement import Judgement, MetricValue
from evaluation.metrics.predictions import Predictions, sample_of
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.samples import Gold, Sample
from evaluation.metrics.totals import of_mean

__all__ = ["Judgement", "MetricValue", "judge", "judgement_of", "score"]


def score(definition: Definition, gold: Gold, predictions: Predictions) -> list[MetricValue]:
    """Every metric of the definition that the answers allow, overall and per slice; the primary one first.

    Raises:
        BadOutput: predictions and gold do not fit together; with a sentence.
    """
    return judge(definition, gold, predictions).values


def judge(
    definition: Definition, gold: Gold, predictions: Predictions, copies: Mapping[str, Predictions] | None = None
) -> Judgement:
    """The same with its columns; gold in the order of the data pairs them with those of others. Raises `BadOutput`.

    Args:
        copies: answers to perturbed copies of the items, by perturbation, under the ids of the items.
    """
    answered = {name: sample_of(definition, gold, found) for name, found in (copies or {}).items()}
    return judgement_of(definition, sample_of(definition, gold, predictions), answered)


def judgement_of(definition: Definition, sample: Sample, copies: Mapping[str, Sample] | None = None) -> Judgement:
    """The same of items that are judged already, such as by a harness."""
    usable = [use for use in definition.metrics if use.primary or REGISTRY[use.name].needs <= sample.offers]
    uses = sorted(usable, key=lambda use: not use.primary)  # stable
    draws = Draws(definition.uncertainty.resamples, definition.uncertainty.seed)
    overall = [_judged(definition, use, sample, draws) for use in uses]
    values, columns = [value for value, _ in overall], [column for _, column in overall]
    for part in definition.slices:
        for name, chosen in members(part, sample):
            if size_of(sample, chosen, part) >= least_of(part):
                smaller = sample.take(chosen)
                values += [
                    _judged(definition, use, smaller, draws, slice_name=f"{part.name}:{name}")[0] for use in uses
                ]
    values += _class_values(definition, uses, sample, draws)
    if sample.clusters is not None:
        columns.append(cluster_column(sample.clusters))
    between, groups = fairness.compared(definition, uses, sample, draws)
    changed, done = robustness.robustness(definition, uses, sample, copies or {}, draws)
    values += between
    for one in definition.perturbations:
        if copies and one.name in copies:
            at = robustness.slice_of(one)
            values += [_judged(definition, use, copies[one.name], draws, slice_name=at)[0] for use in uses]
    decided = sample.decisions
    explained = classification(decided) if decided is not None and len(sample) else {}
    found = ("fairness", groups), ("robustness", done), ("classification", explained)
    said = {name: about for name, about in found if about}
    return Judgement(values + changed, columns, said)


def _judged(
    definition: Definition, use: MetricUse, sample: Sample, shared: Draws, *, slice_name: str = ""
) -> tuple[MetricValue, Column]:
    per_item, asked = sample.per_item(use), definition.uncertainty
    value = float(per_item.mean()) if per_item is not None else sample.statistic(use)(np.ones(len(sample)))
    if per_item is None or asked.method == "bootstrap":
        totals = sample.totals(use) if per_item is None else of_mean(per_item)
        draws = bootstrap_draws(sample.statistic(use), len(sample), sample.clusters, shared, totals=totals)
        interval = percentile_interval(draws, asked.level, is_clustered=sample.clusters is not None)
    else:
        draws, interval = per_item, _interval(definition, use, sample, per_item)
    found = MetricValue(
        metric=use.name,
        value=value,
        low=interval.low,
        high=interval.high,
        n=len(sample),
        slice=slice_name,
        primary=use.primary and not slice_name,
        method=interval.method,
        signature=sample.signature(use),
    )
    column = Column(use.name, "draws", draws) if per_item is None else Column(use.name, "items", per_item)
    return found, column


def _interval(definition: Definition, use: MetricUse, sample: Sample, per_item: Floats) -> Interval:
    """By the kind of the metric."""
    metric, asked = REGISTRY[use.name], definition.uncertainty
    if metric.interval == "proportion" and asked.method != "t":
        return proportion_interval(per_item, sample.clusters, asked.level)
    return mean_interval(per_item, sample.clusters, asked.level, metric.range)


def _class_values(
    definition: Definition, uses: list[MetricUse], sample: Sample, shared: Draws
) -> Iterator[MetricValue]:
    """Metrics taken apart by class, where a slice asks for it and the metric has such parts."""
    asked = definition.uncertainty
    for part in definition.slices:
        parts = [(use, sample.per_class(use)) for use in uses] if part.by == "class" else []
        for use, classes in parts:
            if classes is None or not classes.names:
                continue
            draws = bootstrap_draws(classes.statistic, len(sample), sample.clusters, shared, totals=classes.totals)
            values = classes.statistic(np.ones(len(sample)))
            for name, value, drawn in zip(classes.names, values, draws.T, strict=True):
                interval = percentile_interval(drawn, asked.level, is_clustered=sample.clusters is not None)
                yield MetricValue(
                    metric=use.name,
                    value=float(value),
                    low=interval.low,
                    high=interval.high,
                    n=len(sample),
                    slice=f"{part.name}:{name}",
                    method=interval.method,
                    signature=sample.signature(use),
                )
