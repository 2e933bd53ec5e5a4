"""What perturbations cost: planted truth, pairs, and a clean score that they cannot touch."""

import dataclasses

import numpy as np
import pytest

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import MetricUse, Perturbation, Uncertainty
from evaluation.errors import BadOutput
from evaluation.metrics.answers import taken
from evaluation.metrics.kinds.labels import LabelPredictions
from evaluation.metrics.scoring import judge

DIGITS = next(definition for definition in builtin_definitions() if definition.id == "digits")
PLAIN = dataclasses.replace(
    DIGITS,
    labels={0: "no", 1: "yes"},
    metrics=(MetricUse(name="accuracy", primary=True), MetricUse(name="macro_f1"), MetricUse(name="brier")),
    uncertainty=Uncertainty(resamples=500),
)
ROUGH = dataclasses.replace(PLAIN, perturbations=(Perturbation(name="blur", seed=1, p=0.5, role="robustness"),))
GOLD = [{"id": str(number), "label": "no" if number % 2 else "yes"} for number in range(400)]


def answers(wrong):
    """Right on all items but these."""
    said = [(row["label"] == "yes") != (at in wrong) for at, row in enumerate(GOLD)]
    return LabelPredictions(
        ids=tuple(row["id"] for row in GOLD),
        labels=tuple("yes" if one else "no" for one in said),
        probabilities=np.array([[0.1, 0.9] if one else [0.9, 0.1] for one in said]),
    )


def judged(clean, changed):
    found = judge(ROUGH, GOLD, answers(clean), {"blur": answers(changed)})
    return found, {value.metric: value for value in found.values if value.slice == "perturbed:blur"}


def test_planted_drops_come_out_exactly():
    # 40 wrong on the items; 100 wrong on the copies, 10 of these wrong before.
    found, values = judged(set(range(40)), set(range(30, 130)))

    assert values["accuracy"].value == 300 / 400
    assert values["accuracy_drop"].value == pytest.approx((0.90 - 0.75) / 0.90, abs=1e-12)
    assert values["accuracy_worst"].value == (400 - 130) / 400
    # Lower is better: the rise is the cost.
    before, after = (2 * (n * 0.81 + (400 - n) * 0.01) / 400 for n in (40, 100))
    assert values["brier_drop"].value == pytest.approx((after - before) / before, abs=1e-9)
    assert "macro_f1_worst" not in values  # no number of one item
    assert found.diagnostics["robustness"] == [
        {"name": "blur", "slice": "perturbed:blur", "role": "robustness", "seed": 1, "p": 0.5}
    ]


def test_drops_are_compared_item_by_item():
    _found, values = judged(set(range(100)), set(range(101)))

    drop = values["accuracy_drop"]
    assert drop.method == "paired bootstrap"
    # One item of 400: were the two drawn apart, the interval would be forty times as wide.
    assert drop.high - drop.low < 0.02
    assert drop.low <= drop.value <= drop.high
    assert values["accuracy"].high - values["accuracy"].low > 0.08


def test_equal_answers_cost_nothing():
    _found, values = judged(set(range(7)), set(range(7)))

    drop = values["accuracy_drop"]
    assert (drop.value, drop.low, drop.high) == (0, 0, 0)


def test_the_clean_score_is_as_if_there_were_no_perturbation():
    found, _values = judged(set(range(40)), set(range(200)))
    plain = judge(PLAIN, GOLD, answers(set(range(40))))

    assert [value for value in found.values if not value.slice] == plain.values
    assert [(column.metric, column.values.tolist()) for column in found.columns] == [
        (column.metric, column.values.tolist()) for column in plain.columns
    ]


def test_nothing_is_a_share_of_nothing():
    _found, values = judged(set(range(400)), set(range(300)))

    assert "accuracy_drop" not in values
    assert values["accuracy"].value == 0.25


def test_a_copy_without_an_answer_fails_the_run():
    some = taken(answers(set()), range(399))

    with pytest.raises(BadOutput, match="did not answer 1 of 400"):
        judge(ROUGH, GOLD, answers(set()), {"blur": some})


def test_answers_are_divided_with_all_their_columns():
    found = taken(answers(set()), [3, 1])

    assert found.ids == ("3", "1")
    assert found.labels == ("no", "no")
    assert found.probabilities.shape == (2, 2)
