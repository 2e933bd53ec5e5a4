"""Confusion, classes and calibration: counted from planted answers, and equal to scikit-learn's."""

import json

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from evaluation.metrics.classification import BINS, MOST_CONFUSED, classification
from evaluation.metrics.samples import Decisions


def decided(gold, predicted, classes, probabilities=None):
    names = tuple(f"c{number}" for number in range(classes))
    return Decisions(names, np.array(gold), np.array(predicted), probabilities)


def test_counts_and_matrix_are_scikit_learns():
    generator = np.random.default_rng(1)
    gold, said = generator.integers(0, 5, 300), generator.integers(0, 5, 300)

    found = classification(decided(gold, said, 5))

    matrix = confusion_matrix(gold, said)
    assert found["matrix"] == matrix.tolist()
    assert [one["n"] for one in found["classes"]] == matrix.sum(axis=1).tolist()
    assert [one["predicted"] for one in found["classes"]] == matrix.sum(axis=0).tolist()
    assert [one["right"] for one in found["classes"]] == np.diag(matrix).tolist()
    assert "calibration" not in found


def test_the_most_frequent_confusions_come_first_and_right_answers_are_none():
    found = classification(decided([0, 0, 0, 1, 2, 2], [1, 1, 0, 1, 0, 2], 3))

    assert found["confused"] == [
        {"gold": "c0", "predicted": "c1", "n": 2},
        {"gold": "c2", "predicted": "c0", "n": 1},
    ]


def test_many_classes_have_a_list_instead_of_a_matrix():
    gold = np.arange(2000) % 200
    found = classification(decided(gold, (gold + 1) % 200, 200))

    assert "matrix" not in found
    assert len(found["confused"]) == MOST_CONFUSED
    assert len(found["classes"]) == 200


def test_planted_confidence_shows_in_its_bin():
    # 100 items said with 0.7, 60 of them right; 50 with 1.0, all right.
    probabilities = np.array([[0.7, 0.3]] * 100 + [[1.0, 0.0]] * 50)
    gold = [0] * 60 + [1] * 40 + [0] * 50

    found = classification(decided(gold, [0] * 150, 2, probabilities))["calibration"]

    assert found["ece"] == pytest.approx(100 / 150 * 0.1, abs=1e-12)
    first, last = found["bins"]
    assert (first["n"], last["n"], last["high"]) == (100, 50, 1.0)
    assert (first["confidence"], first["accuracy"]) == (pytest.approx(0.7), pytest.approx(0.6))
    assert first["low"] < 0.7 <= first["high"]
    assert first["high"] - first["low"] == pytest.approx(1 / BINS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
