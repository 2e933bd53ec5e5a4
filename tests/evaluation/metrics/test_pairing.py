"""Pairs of models: every test against the textbook, or against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.metrics import ties
from evaluation.metrics.columns import Column, cluster_column, unpacked
from evaluation.metrics.pairing import compare, compare_draws, holm, mcnemar_p, paired_share_interval


def items(values, metric="accuracy"):
    return Column(metric, "items", np.array(values, dtype=float))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(only_first, only_second):
    either = only_first + only_second

    p = mcnemar_p(only_first, only_second)

    assert p == pytest.approx(stats.binomtest(only_first, either).pvalue if either else 1.0, abs=1e-12)


def test_the_interval_of_two_shares_is_newcombes_own_example():
    # Newcombe 1998, Statistics in Medicine 17, table III, row (c): 36, 12, 2, 0 of 50, method 10.
    low, high = paired_share_interval(36, 12, 2, 0, 0.95)

    assert (low, high) == (pytest.approx(0.0569, abs=5e-5), pytest.approx(0.3404, abs=5e-5))


def test_the_first_minus_the_second_counts_what_only_one_gets_right():
    first, second = [1] * 80 + [0] * 20, [1] * 70 + [0] * 25 + [1] * 5

    found = compare(items(first), items(second), None, level=0.95, seed=7)

    assert (found.only_first, found.only_second, found.n, found.test) == (10, 5, 100, "McNemar, exact")
    assert found.value == pytest.approx(0.05)
    assert found.low < 0 < found.high
    assert found.is_tie
    assert found.p == pytest.approx(stats.binomtest(5, 15).pvalue)


def test_equal_answers_are_no_difference_at_all():
    found = compare(items([1, 0, 1]), items([1, 0, 1]), None, level=0.95, seed=7)

    assert (found.value, found.p, found.is_tie) == (0.0, 1.0, True)


def test_a_mean_is_compared_by_resampling_pairs():
    generator = np.random.default_rng(3)
    common, shift = generator.normal(size=400), generator.normal(0.1, 0.5, size=400)

    found = compare(items(common + shift, "mrr"), items(common, "mrr"), None, level=0.95, seed=7)

    classic = stats.ttest_rel(common + shift, common)
    low, high = classic.confidence_interval()
    assert found.test == "paired bootstrap"
    assert (found.low, found.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))
    assert found.p == pytest.approx(classic.pvalue, abs=0.01)


def test_items_of_one_cluster_share_their_fate():
    clusters = np.repeat(np.arange(10), 40)
    first = np.repeat([1, 0, 1, 1, 0, 1, 0, 1, 1, 0], 40)
    second = np.repeat([0, 0, 1, 0, 0, 1, 0, 1, 0, 0], 40)

    alone = compare(items(first), items(second), None, level=0.95, seed=7)
    together = compare(items(first), items(second), clusters, level=0.95, seed=7)

    assert (alone.p, together.test) == (pytest.approx(0, abs=1e-30), "clustered paired bootstrap")
    assert together.p > 0.01
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_draws_of_two_runs_pair_up():
    draws = np.random.default_rng(1).normal(0.8, 0.02, size=2000)

    found = compare_draws(
        (0.81, 0.8), Column("f1", "draws", draws + 0.01), Column("f1", "draws", draws), 50, level=0.95
    )

    assert (found.low, found.high) == (pytest.approx(0.01), pytest.approx(0.01))
    assert found.p == pytest.approx(2 / 2001)


def test_many_items_are_drawn_in_bundles_with_the_same_spread():
    generator = np.random.default_rng(5)
    first, second = generator.normal(size=90_000), generator.normal(0.01, 1, size=90_000)

    found = compare(items(first, "mrr"), items(second, "mrr"), None, level=0.95, seed=7)

    error = (first - second).std(ddof=1) / 300
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.05)


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_multiplies_the_smallest_by_all_and_never_falls(found):
    adjusted = holm(found)

    order = sorted(range(len(found)), key=lambda at: found[at])
    for rank, at in enumerate(order):
        assert adjusted[at] == max(min(1.0, (len(found) - before) * found[order[before]]) for before in range(rank + 1))


def test_a_column_survives_its_packing():
    for column in (items([0, 1, 1]), Column("f1", "draws", np.array([0.1, 0.2])), cluster_column(np.array([0, 0, 3]))):
        back = unpacked(column.metric, column.kind, column.packed())

        assert back.values.tolist() == column.values.tolist()


def right_but_for(wrong, n=1000):
    values = np.ones(n)
    values[list(wrong)] = 0
    return items(values)


def test_who_is_surely_ahead_is_decided_on_the_same_items():
    best, close, behind = right_but_for(range(100)), right_but_for(range(112)), right_but_for(range(300, 500))

    found = ties.ahead([best, close, behind], None, level=0.95, higher_is_better=True)

    assert found.tolist() == [[False, True, True], [False, False, True], [False, False, False]]
    assert ties.rank_ranges(found) == [(1, 1), (2, 2), (3, 3)]


def test_equal_shares_of_different_items_are_a_tie():
    found = ties.ahead(
        [right_but_for(range(100)), right_but_for(range(500, 612))], None, level=0.95, higher_is_better=True
    )

    assert ties.rank_ranges(found) == [(1, 2), (1, 2)]


@pytest.mark.parametrize("clusters", [None, np.repeat(np.arange(50), 8)])
def test_means_of_a_board_are_judged_as_pairs_are(clusters):
    generator = np.random.default_rng(11)
    table = (
        generator.normal(size=(1, 400))
        + generator.normal(0, 0.3, size=(5, 400))
        + np.array([[0], [0.02], [0.05], [0.1], [0.3]])
    )
    columns = [items(row, "mrr") for row in table]

    found = ties.ahead(columns, clusters, level=0.95, higher_is_better=False)

    for one in range(5):
        for other in range(5):
            pair = compare(columns[one], columns[other], clusters, level=0.95, seed=7)
            if abs(pair.p - 0.05) > 0.02:  # near the border two methods may differ
                assert found[one, other] == (pair.high < 0)


def test_draws_of_a_board_pair_up_too():
    draws = np.random.default_rng(1).normal(0.8, 0.05, size=2000)
    noise = np.random.default_rng(2).normal(0, 0.001, size=2000)
    columns = [Column("f1", "draws", draws), Column("f1", "draws", draws - 0.01 + noise)]

    assert ties.ahead(columns, None, level=0.95, higher_is_better=True).tolist() == [[False, True], [False, False]]


def test_without_common_items_the_intervals_decide():
    lows, highs = np.array([0.8, 0.7, 0.6]), np.array([0.9, 0.85, 0.75])

    found = ties.ahead_by_intervals(lows, highs, higher_is_better=True)

    assert ties.rank_ranges(found) == [(1, 2), (1, 3), (2, 3)]  # a chain of overlaps is no single tie


def test_where_lower_is_better_the_lowest_leads():
    found = ties.ahead_by_intervals(np.array([0.5, 0.1]), np.array([0.6, 0.2]), higher_is_better=False)

    assert ties.rank_ranges(found) == [(2, 2), (1, 1)]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted), min_size=1, max_size=12))
def test_rank_ranges_equal_counting_pairs(intervals):
    lows, highs = np.array(intervals).T

    found = ties.rank_ranges(ties.ahead_by_intervals(lows, highs, higher_is_better=True))

    for (low, high), (first, last) in zip(intervals, found, strict=True):
        assert first == 1 + sum(other_low > high for other_low, _ in intervals)
        assert last == len(intervals) - sum(other_high < low for _, other_high in intervals)
