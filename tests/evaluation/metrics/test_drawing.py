"""The draws of one scoring: shared, and the same however they are kept or handed out."""

import numpy as np
import pytest

from evaluation.metrics import drawing
from evaluation.metrics.drawing import Draws


def all_of(draws, units, bundled=0):
    return np.concatenate(list(draws.blocks(units, bundled)))


def one_by_one(units, *, resamples=30, seed=7, bundled=0):
    generator = np.random.default_rng(seed)
    if bundled:
        generator.permutation(bundled)
    return [np.bincount(generator.integers(0, units, size=units), minlength=units) for _ in range(resamples)]


@pytest.mark.parametrize("limit", ["BLOCK", "MOST_KEPT"])
def test_draws_are_those_of_the_seed_also_in_small_blocks_and_where_too_many_are_kept(limit, monkeypatch):
    monkeypatch.setattr(drawing, limit, 350)

    assert (all_of(Draws(30, 7), 100) == one_by_one(100)).all()
    assert (all_of(Draws(30, 7), 100, bundled=450) == one_by_one(100, bundled=450)).all()
    assert (all_of(Draws(30, 8), 100) == one_by_one(100, seed=8)).all()


def test_draws_of_one_size_and_of_another_can_be_asked_for_in_turns():
    draws = Draws(30, 7)

    for units, bundled in ((100, 0), (100, 450), (7, 0), (100, 0)):
        assert (all_of(draws, units, bundled) == one_by_one(units, bundled=bundled)).all()


def test_many_items_are_put_into_bundles_of_like_size():
    bundles = Draws(1, 7).bundles(50_001)

    assert set(np.bincount(bundles, minlength=drawing.MOST_GROUPS)) == {2, 3}
