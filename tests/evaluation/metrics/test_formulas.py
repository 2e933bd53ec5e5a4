"""Formulas equal the reference library to 1e-9, on random answers and at the edges."""

import numpy as np
import pytest
from sklearn import metrics as reference

from evaluation.metrics.formulas.accuracy import hits
from evaluation.metrics.formulas.brier import brier
from evaluation.metrics.formulas.confusion import confusion
from evaluation.metrics.formulas.ece import ece
from evaluation.metrics.formulas.gains import average_precision_at, gains_of, share_found_at
from evaluation.metrics.formulas.log_loss import log_loss
from evaluation.metrics.formulas.macro_f1 import macro_f1
from evaluation.metrics.formulas.mcc import mcc
from evaluation.metrics.formulas.mrr import reciprocal_rank
from evaluation.metrics.formulas.ndcg import ndcg_at
from evaluation.metrics.formulas.ranks import cosine_ranks
from evaluation.metrics.formulas.recall import recall_at
from evaluation.metrics.formulas.top_k import hits_among_top

CLASSES = 7
CLOSE = {"abs": 1e-9}


def answers(seed):
    random = np.random.default_rng(seed)
    gold = random.integers(0, CLASSES, 300)
    probabilities = random.dirichlet(np.ones(CLASSES), 300)
    probabilities[np.arange(300), gold] += 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return gold, probabilities.argmax(axis=1), probabilities


@pytest.mark.parametrize("seed", range(5))
def test_label_metrics_equal_scikit_learn(seed):
    gold, predicted, probabilities = answers(seed)
    matrix = confusion(gold, predicted, CLASSES)

    assert hits(gold, predicted).mean() == pytest.approx(reference.accuracy_score(gold, predicted), **CLOSE)
    assert macro_f1(matrix) == pytest.approx(
        reference.f1_score(gold, predicted, average="macro", zero_division=0), **CLOSE
    )
    assert mcc(matrix) == pytest.approx(reference.matthews_corrcoef(gold, predicted), **CLOSE)
    assert log_loss(gold, probabilities).mean() == pytest.approx(reference.log_loss(gold, probabilities), **CLOSE)
    assert brier(gold, probabilities).mean() == pytest.approx(
        reference.brier_score_loss(gold, probabilities, scale_by_half=False), **CLOSE
    )
    assert hits_among_top(gold, probabilities, 5).mean() == pytest.approx(
        reference.top_k_accuracy_score(gold, probabilities, k=5), **CLOSE
    )


def test_a_class_that_is_never_predicted_counts_zero():
    gold, predicted = np.array([0, 1, 2, 2]), np.array([0, 0, 2, 2])

    expected = reference.f1_score(gold, predicted, average="macro", zero_division=0)

    assert macro_f1(confusion(gold, predicted, 9)) == pytest.approx(expected, **CLOSE)


@pytest.mark.parametrize(("gold", "predicted"), [([0, 0, 0], [0, 0, 0]), ([0, 1, 2], [1, 1, 1])])
def test_mcc_of_a_constant_is_zero(gold, predicted):
    assert mcc(confusion(np.array(gold), np.array(predicted), 3)) == 0.0


def test_ece_is_the_definition_written_out():
    gold, predicted, probabilities = answers(11)
    confidence, right = probabilities.max(axis=1), (gold == predicted).astype(float)

    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            expected += abs(right[inside].mean() - confidence[inside].mean()) * inside.mean()

    assert ece(confidence, right, 15) == pytest.approx(expected, **CLOSE)


def test_ece_of_a_calibrated_and_of_an_overconfident_model():
    assert ece(np.full(10, 0.6), np.array([1.0] * 6 + [0.0] * 4), 15) == pytest.approx(0.0, **CLOSE)
    assert ece(np.ones(10), np.array([1.0] * 6 + [0.0] * 4), 15) == pytest.approx(0.4, **CLOSE)


def test_weights_mean_the_same_as_repeated_items():
    gold, predicted, probabilities = answers(3)
    weights = np.random.default_rng(0).integers(0, 4, 300)
    again = np.repeat(np.arange(300), weights)

    assert macro_f1(confusion(gold, predicted, CLASSES, weights)) == pytest.approx(
        reference.f1_score(gold[again], predicted[again], average="macro", zero_division=0), **CLOSE
    )
    confidence, right = probabilities.max(axis=1), hits(gold, predicted)
    assert ece(confidence, right, 15, weights) == pytest.approx(ece(confidence[again], right[again], 15), **CLOSE)


@pytest.mark.parametrize("seed", range(3))
def test_retrieval_metrics_equal_scikit_learn(seed):
    random = np.random.default_rng(seed)
    queries, candidates = random.normal(size=(80, 6)), random.normal(size=(80, 6))
    targets = random.permutation(80)
    truth = np.zeros((80, 80))
    truth[np.arange(80), targets] = 1
    unit = [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (queries, candidates)]
    similar = unit[0] @ unit[1].T

    places = cosine_ranks(queries, candidates, [[target] for target in targets])

    gains = gains_of(places, [[1.0]] * 80)
    ranks = gains.first
    assert list(ranks) == [int(own[0]) for own in places]
    for cutoff in (1, 5, 10):
        expected = reference.top_k_accuracy_score(targets, similar, k=cutoff, labels=np.arange(80))
        assert recall_at(ranks, cutoff).mean() == pytest.approx(expected, **CLOSE)
    expected = reference.label_ranking_average_precision_score(truth, similar)
    assert reciprocal_rank(ranks).mean() == pytest.approx(expected, **CLOSE)
    # nDCG shifts what it ranks: scikit-learn refuses negative relevances, not negative scores.
    assert ndcg_at(gains.found, gains.best, 10).mean() == pytest.approx(
        reference.ndcg_score(truth, similar, k=10), **CLOSE
    )


@pytest.mark.parametrize("seed", range(3))
def test_graded_answers_are_measured_as_scikit_learn_does(seed):
    random = np.random.default_rng(seed)
    queries, candidates = random.normal(size=(30, 6)), random.normal(size=(90, 6))
    truth = random.integers(0, 4, (30, 90)) * (random.random((30, 90)) < 0.2)
    truth[:, 0] = 1  # scikit-learn wants an answer to each
    targets = [list(np.flatnonzero(row)) for row in truth]
    unit = [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (queries, candidates)]
    similar = unit[0] @ unit[1].T

    gains = gains_of(cosine_ranks(queries, candidates, targets), [row[row > 0] for row in truth])

    ndcg = [reference.ndcg_score(truth[[row]], similar[[row]], k=10) for row in range(30)]
    assert ndcg_at(gains.found, gains.best, 10) == pytest.approx(np.array(ndcg), **CLOSE)
    precision = [reference.average_precision_score(truth[row] > 0, similar[row]) for row in range(30)]
    assert average_precision_at(gains.found, gains.right, 100) == pytest.approx(np.array(precision), **CLOSE)
    first_ten = np.argsort(-similar, axis=1)[:, :10]
    shares = [(truth[row, first_ten[row]] > 0).sum() / (truth[row] > 0).sum() for row in range(30)]
    assert share_found_at(gains.found, gains.right, 10) == pytest.approx(np.array(shares), **CLOSE)


def test_right_answers_beyond_the_cutoff_count_as_missed():
    gains = gains_of([np.array([2, 150]), np.array([], dtype=np.int64)], [[2.0, 1.0], []])

    assert list(average_precision_at(gains.found, gains.right, 100)) == [0.25, 0.0]
    assert list(share_found_at(gains.found, gains.right, 100)) == [0.5, 0.0]
    assert list(ndcg_at(gains.found, gains.best, 10)) == pytest.approx([(2 / np.log2(3)) / (2 + 1 / np.log2(3)), 0.0])
    assert list(reciprocal_rank(gains.first)) == pytest.approx([0.5, 0.0])


def test_a_constant_model_finds_nothing():
    ones = np.ones((50, 4))

    assert {int(own[0]) for own in cosine_ranks(ones, ones, [[index] for index in range(50)])} == {50}


def test_among_many_right_answers_that_tie_with_wrong_ones_the_wrong_come_first():
    ones = np.ones((20, 4))

    (ranks,) = cosine_ranks(ones[:1], ones, [range(12)])

    assert list(ranks) == list(range(9, 21))


def test_a_perfect_model_finds_all_and_the_length_of_a_vector_is_nothing():
    vectors = np.random.default_rng(0).normal(size=(50, 8))
    scaled = vectors * np.random.default_rng(1).uniform(0.1, 9, size=(50, 1))

    assert {int(own[0]) for own in cosine_ranks(vectors, scaled, [[index] for index in range(50)])} == {1}


def test_each_of_several_targets_has_its_rank():
    queries = np.array([[1.0, 0.0]])
    candidates = np.array([[0.0, 1.0], [1.0, 0.1], [1.0, 0.5]])

    assert [list(own) for own in cosine_ranks(queries, candidates, [[0, 2]])] == [[3, 2]]


def test_a_zero_vector_is_similar_to_nothing():
    assert list(cosine_ranks(np.zeros((1, 2)), np.array([[1.0, 0.0], [0.0, 1.0]]), [[0]])[0]) == [2]
