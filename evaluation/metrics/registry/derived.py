"""Figures that follow from metrics: what lies between groups of items, what perturbations cost.

A definition does not list them.
Names like `accuracy_gap` are the metric's and a suffix; each metric gets the figures that make sense of it.
"""

import math

from evaluation.metrics.registry.metric import Metric, Need

LIKE: frozenset[Need] = frozenset()
OWN = "own, as fairlearn MetricFrame"

ODDS = (
    Metric(
        name="tpr_gap",
        title="True positive rate, gap between groups",
        description="Of the items of a class the share that was found: the highest among the groups minus the lowest.",
        needs=LIKE,
        interval="corpus",
        library="own, as fairlearn true_positive_rate_difference",
        higher_is_better=False,
    ),
    Metric(
        name="fpr_gap",
        title="False positive rate, gap between groups",
        description="Of the items of other classes the share given a class: highest among the groups minus lowest.",
        needs=LIKE,
        interval="corpus",
        library="own, as fairlearn false_positive_rate_difference",
        higher_is_better=False,
    ),
    Metric(
        name="equalized_odds_difference",
        title="Equalised odds, difference",
        description="The larger gap, of true or of false positive rates; 0 when errors strike all groups alike.",
        needs=LIKE,
        interval="corpus",
        library="own, as fairlearn equalized_odds_difference",
        higher_is_better=False,
    ),
    Metric(
        name="selection_rate_difference",
        title="Selection rate, gap between groups",
        description="Share of items given the second of two classes: the highest among the groups minus the lowest.",
        needs=LIKE,
        interval="corpus",
        library="own, as fairlearn demographic_parity_difference",
        higher_is_better=False,
    ),
)


def gap_of(metric: Metric) -> Metric:
    """The best group's value and the worst group's: how far apart."""
    low, high = metric.range
    return Metric(
        name=f"{metric.name}_gap",
        title=f"{metric.title}, gap between groups",
        description="How far the worst group lies from the best one.",
        needs=metric.needs,
        interval="corpus",
        library=f"{OWN}.difference",
        unit=metric.unit,
        range=(0.0, None if high is None else high - low),
        higher_is_better=False,
    )


def ratio_of(metric: Metric) -> Metric:
    """The smaller of the two through the larger."""
    return Metric(
        name=f"{metric.name}_ratio",
        title=f"{metric.title}, ratio of groups",
        description="The lowest value of a group divided by the highest; 1 when all groups fare alike.",
        needs=metric.needs,
        interval="corpus",
        library=f"{OWN}.ratio",
        unit="ratio",
    )


def drop_of(metric: Metric) -> Metric:
    """What a perturbation costs, as a share of the value without it."""
    falls = metric.higher_is_better
    return Metric(
        name=f"{metric.name}_drop",
        title=f"{metric.title}, relative {'drop' if falls else 'rise'}",
        description=f"How much {'lower' if falls else 'higher'} it is on perturbed items, as a share of its value.",
        needs=metric.needs,
        interval="corpus",
        library="own, as HELM",
        range=(-math.inf, 1.0) if falls else (-1.0, None),
        higher_is_better=False,
    )


def worst_of(metric: Metric) -> Metric:
    """Each item counts as the worse of itself and its perturbed copy."""
    return Metric(
        name=f"{metric.name}_worst",
        title=f"{metric.title}, worse of both",
        description="Each item counts with the worse of two answers: to itself and to its perturbed copy.",
        needs=metric.needs,
        interval=metric.interval,
        library="own, as HELM",
        unit=metric.unit,
        range=metric.range,
        higher_is_better=metric.higher_is_better,
    )


def derived_from(metrics: tuple[Metric, ...]) -> dict[str, Metric]:
    """All figures that can follow from these, by name."""
    gaps = [gap_of(metric) for metric in metrics]
    ratios = [ratio_of(metric) for metric in metrics if metric.range[0] == 0]
    drops = [drop_of(metric) for metric in metrics]
    worst = [worst_of(metric) for metric in metrics if metric.decomposable]
    return {figure.name: figure for figure in (*gaps, *ratios, *ODDS, *drops, *worst)}
