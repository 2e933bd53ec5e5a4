"""Correlations are scipy's, also where rows count several times."""

import numpy as np
import pytest
import scipy.stats

from evaluation.metrics.formulas.correlations import pearson, spearman


@pytest.mark.parametrize(("ours", "theirs"), [(pearson, scipy.stats.pearsonr), (spearman, scipy.stats.spearmanr)])
@pytest.mark.parametrize("seed", range(4))
def test_a_row_that_counts_twice_is_a_row_that_stands_there_twice(ours, theirs, seed):
    numbers = np.random.default_rng(seed)
    one, other = numbers.normal(size=60), numbers.integers(0, 5, 60).astype(float)  # with many ties
    counts = numbers.integers(0, 4, 60)

    found = ours(one, other)

    assert found(np.ones(60)) == pytest.approx(theirs(one, other)[0], abs=1e-9)
    repeated = np.repeat(one, counts), np.repeat(other, counts)
    assert found(counts.astype(float)) == pytest.approx(theirs(*repeated)[0], abs=1e-9)


def test_a_column_without_differences_correlates_with_nothing():
    flat, rising = np.ones(5), np.arange(5.0)

    assert pearson(flat, rising)(np.ones(5)) == spearman(rising, flat)(np.ones(5)) == 0
