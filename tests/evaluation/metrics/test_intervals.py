"""Intervals: known values, coverage by simulation, clusters, seeds."""

import numpy as np
import pytest
from scipy import stats

from evaluation.metrics.drawing import Draws
from evaluation.metrics.intervals import (
    bootstrap_draws,
    mean_interval,
    percentile_interval,
    proportion_interval,
    wilson,
)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (3, 10), (10, 10), (450, 500), (1, 1)])
def test_wilson_equals_scipy(right, n):
    expected = stats.binomtest(right, n).proportion_ci(0.95, method="wilson")

    low, high = wilson(right / n, n, 0.95)

    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_half_width_at_one_half_of_a_thousand_is_three_points():
    low, high = wilson(0.5, 1000, 0.95)

    assert (high - low) / 2 == pytest.approx(0.031, abs=0.0005)


def test_t_equals_scipy():
    values = np.random.default_rng(1).normal(5, 2, 40)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)

    found = mean_interval(values, None, 0.95, (-1e9, None))

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found.method == "t"


def test_a_mean_interval_stays_within_what_the_metric_can_reach():
    found = mean_interval(np.array([0.0, 0.1, 0.9]), None, 0.95, (0.0, 1.0))

    assert (found.low, found.high) == (0.0, 1.0)


def test_one_value_says_nothing():
    found = mean_interval(np.array([0.3]), None, 0.95, (0.0, 1.0))

    assert (found.low, found.high) == (0.0, 1.0)


def test_items_that_share_their_fate_count_as_one():
    outcomes = np.random.default_rng(2).integers(0, 2, 60).astype(float)
    repeated, clusters = np.repeat(outcomes, 10), np.repeat(np.arange(60), 10)

    alone = proportion_interval(outcomes, None, 0.95)
    together = proportion_interval(repeated, clusters, 0.95)
    naive = proportion_interval(repeated, None, 0.95)

    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.03)
    assert naive.high - naive.low < 0.5 * (together.high - together.low)
    assert together.method == "clustered wilson"


def test_clusters_that_do_not_matter_change_little():
    random = np.random.default_rng(3)
    values, clusters = random.normal(size=3000), np.repeat(np.arange(300), 10)

    alone = mean_interval(values, None, 0.95, (-9, 9))
    clustered = mean_interval(values, clusters, 0.95, (-9, 9))

    assert clustered.high - clustered.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_all_right_in_few_clusters_is_less_sure_than_all_right_in_many_items():
    right, clusters = np.ones(100), np.repeat(np.arange(10), 10)

    assert proportion_interval(right, clusters, 0.95).low == pytest.approx(wilson(1.0, 10, 0.95)[0])
    assert proportion_interval(right, None, 0.95).low == pytest.approx(wilson(1.0, 100, 0.95)[0])


def test_the_bootstrap_agrees_with_theory_and_repeats_with_its_seed():
    values = np.random.default_rng(4).normal(size=400)

    def mean(weights):
        return float(np.average(values, weights=weights))

    def interval(seed):
        return percentile_interval(bootstrap_draws(mean, 400, None, Draws(2000, seed)), 0.95, is_clustered=False)

    first, again, other = (interval(seed) for seed in (7, 7, 8))
    theory = mean_interval(values, None, 0.95, (-9, 9))

    assert first == again != other
    assert (first.low, first.high) == pytest.approx((theory.low, theory.high), abs=0.02)


def test_the_wilson_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(1000):
        found = proportion_interval(random.binomial(1, 0.9, 120).astype(float), None, 0.95)
        covered += found.low <= 0.9 <= found.high

    assert 0.925 <= covered / 1000 <= 0.98
