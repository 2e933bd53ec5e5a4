"""Corpus metrics by sums: the same numbers as item by item, and for many items the same spread."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from evaluation.benchmarks.schema import MetricUse
from evaluation.metrics import drawing, intervals
from evaluation.metrics.drawing import Draws
from evaluation.metrics.intervals import bootstrap_draws
from evaluation.metrics.kinds.labels import LabelSample

USES = [
    *(MetricUse(name=name) for name in ("macro_f1", "macro_precision", "macro_recall", "mcc")),
    MetricUse(name="ece", params={"bins": 15}),
]  # fmt: skip


def sample_of(n, *, clusters=None):
    generator = np.random.default_rng(4)
    gold = generator.integers(0, 4, size=n)
    predicted = np.where(generator.random(n) < 0.8, gold, generator.integers(0, 4, size=n))
    probabilities = generator.dirichlet(np.ones(4), size=n)
    return LabelSample(
        rows=[{}] * n, groups=[""] * n, clusters=clusters, names=("a", "b", "c", "d"), gold=gold, predicted=predicted,
        probabilities=probabilities,
    )  # fmt: skip


def draws_of(sample, use, *, with_totals, resamples=50):
    totals = sample.totals(use) if with_totals else None
    statistic, n = sample.statistic(use), len(sample)
    return bootstrap_draws(statistic, n, sample.clusters, Draws(resamples, 7), totals=totals)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
@pytest.mark.parametrize("clusters", [None, np.arange(300) // 6], ids=["items", "clusters"])
def test_sums_give_the_draws_that_items_give(use, clusters):
    sample = sample_of(300, clusters=clusters)

    by_items, by_sums = (draws_of(sample, use, with_totals=flag) for flag in (False, True))

    assert by_sums == pytest.approx(by_items, abs=1e-12)
    assert by_items.std() > 0


@pytest.mark.parametrize("name", ["macro_f1", "macro_precision", "macro_recall"])
@pytest.mark.parametrize("clusters", [None, np.arange(300) // 6], ids=["items", "clusters"])
def test_sums_give_every_class_the_draws_that_items_give_it_alone(name, clusters):
    sample = sample_of(300, clusters=clusters)
    found = sample.per_class(MetricUse(name=name))
    choose = {"macro_f1": f1_score, "macro_precision": precision_score, "macro_recall": recall_score}[name]

    def alone(weights):
        return choose(sample.gold, sample.predicted, labels=[2], average=None, sample_weight=weights)[0]

    draws = Draws(20, 7)
    by_sums = bootstrap_draws(found.statistic, 300, clusters, draws, totals=found.totals)

    assert by_sums.shape == (20, 4)
    assert by_sums == pytest.approx(bootstrap_draws(found.statistic, 300, clusters, draws), abs=1e-12)
    assert by_sums[:, 2] == pytest.approx(bootstrap_draws(alone, 300, clusters, draws), abs=1e-12)


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_bundles_of_items_have_the_spread_of_items(use, monkeypatch):
    sample = sample_of(4000)
    alone = draws_of(sample, use, with_totals=True, resamples=600)
    monkeypatch.setattr(intervals, "MOST_GROUPS", 500)
    monkeypatch.setattr(drawing, "MOST_GROUPS", 500)

    by_sums = draws_of(sample, use, with_totals=True, resamples=600)
    by_items = draws_of(sample, use, with_totals=False, resamples=30)

    assert by_items == pytest.approx(by_sums[:30], abs=1e-12)
    assert by_sums.std() == pytest.approx(alone.std(), rel=0.2)
    assert by_sums.mean() == pytest.approx(alone.mean(), abs=alone.std() / 2)
