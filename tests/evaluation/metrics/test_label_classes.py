"""Labels taken apart by class: precision, recall and F1 of each, equal to scikit-learn."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import MetricUse, Slice
from evaluation.metrics.kinds.labels import LabelPredictions
from evaluation.metrics.scoring import score

DIGITS = next(definition for definition in builtin_definitions() if definition.id == "digits")
BY_CLASS = dataclasses.replace(
    DIGITS,
    metrics=(
        MetricUse(name="macro_f1", primary=True),
        MetricUse(name="macro_precision"),
        MetricUse(name="macro_recall"),
        MetricUse(name="accuracy"),
    ),
    slices=(Slice(name="digit", by="class"),),
    uncertainty=dataclasses.replace(DIGITS.uncertainty, resamples=100),
)


def test_each_class_has_its_own_precision_recall_and_f1():
    random = np.random.default_rng(3)
    truth = [str(label) for label in random.integers(0, 9, 200)]  # no nine
    answers = [label if random.random() < 0.7 else str(random.integers(0, 10)) for label in truth]
    gold = [{"id": str(number), "label": label} for number, label in enumerate(truth)]
    ids = tuple(row["id"] for row in gold)

    values = score(BY_CLASS, gold, LabelPredictions(ids=ids, labels=tuple(answers)))

    found = {(value.metric, value.slice): value.value for value in values}
    names = list(DIGITS.label_names)
    each = precision_recall_fscore_support(truth, answers, labels=names, zero_division=0)
    mean = precision_recall_fscore_support(truth, answers, average="macro", zero_division=0)
    for place, metric in enumerate(["macro_precision", "macro_recall", "macro_f1"]):
        assert found[metric, ""] == pytest.approx(mean[place], abs=1e-9)
        for name, expected in zip(names, each[place], strict=True):
            assert found[metric, f"digit:{name}"] == pytest.approx(expected, abs=1e-9)
    # Accuracy has no parts by class.
    assert {value.slice for value in values if value.metric == "accuracy"} == {""}
