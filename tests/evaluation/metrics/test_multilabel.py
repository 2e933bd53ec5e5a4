"""Items with several labels: equal to scikit-learn, label by label and over all."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn import metrics as reference

from evaluation.benchmarks.definitions import builtin_definitions, load_definition
from evaluation.benchmarks.schema import MetricUse, Slice
from evaluation.errors import BadDefinition, BadOutput
from evaluation.metrics.formulas.average_precision import Ranking
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

DIGITS = next(definition for definition in builtin_definitions() if definition.id == "digits")
NAMES = ("a", "b", "c", "d")
SEVERAL = dataclasses.replace(
    DIGITS,
    request="classify",
    labels=dict(enumerate(NAMES)),
    multi_label=True,
    metrics=(
        MetricUse(name="multilabel_map", primary=True),
        MetricUse(name="multilabel_micro_f1"),
        MetricUse(name="multilabel_macro_f1"),
    ),
    slices=(Slice(name="label", by="class"),),
    uncertainty=dataclasses.replace(DIGITS.uncertainty, resamples=100),
)
CLOSE = {"abs": 1e-9}


def answers(seed, count=150):
    random = np.random.default_rng(seed)
    true = (random.random((count, 4)) < [0.5, 0.2, 0.05, 0.3]).astype(int)
    # Two digits only, so that there are ties.
    return true, np.round(np.clip(true * 0.3 + random.random((count, 4)) * 0.7, 0, 1), 2)


def scored(folder, true, probabilities):
    gold = [
        {"id": str(number), "labels": [name for name, has in zip(NAMES, row, strict=True) if has]}
        for number, row in enumerate(true)
    ]
    lines = [json.dumps({"id": str(number), "probs": row.tolist()}) for number, row in enumerate(probabilities)]
    (folder / "predictions.jsonl").write_text("\n".join(lines))
    found = score(SEVERAL, gold, read_predictions(SEVERAL, folder))
    return {(value.metric, value.slice): value for value in found}


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_scikit_learn(seed, tmp_path):
    true, probabilities = answers(seed)

    found = scored(tmp_path, true, probabilities)

    given = (probabilities >= 0.5).astype(int)
    assert found["multilabel_map", ""].value == pytest.approx(
        reference.average_precision_score(true, probabilities), **CLOSE
    )
    for name, average in {"multilabel_micro_f1": "micro", "multilabel_macro_f1": "macro"}.items():
        expected = reference.f1_score(true, given, average=average, zero_division=0)
        assert found[name, ""].value == pytest.approx(expected, **CLOSE)
    each = reference.average_precision_score(true, probabilities, average=None)
    for name, value in zip(NAMES, each, strict=True):
        assert found["multilabel_map", f"label:{name}"].value == pytest.approx(value, **CLOSE)
    assert all(value.low <= value.value <= value.high for value in found.values() if not value.slice)


def test_weights_mean_the_same_as_repeated_items():
    true, probabilities = answers(7)
    weights = np.random.default_rng(1).integers(0, 4, len(true))
    again = np.repeat(np.arange(len(true)), weights)

    found = Ranking.of(true[:, 0].astype(float), probabilities[:, 0]).average_precision(weights.astype(float))

    expected = reference.average_precision_score(true[again, 0], probabilities[again, 0])
    assert found == pytest.approx(expected, **CLOSE)


def test_a_label_that_nobody_has_says_nothing():
    assert Ranking.of(np.zeros(3), np.array([0.1, 0.2, 0.3])).average_precision(np.ones(3)) is None


@pytest.mark.parametrize("probs", [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 1.2], [0.1, 0.2, 0.3, "x"], [0.1, 0.2, 0.3, True]])
def test_bad_probabilities_are_refused_with_a_sentence(probs, tmp_path):
    (tmp_path / "predictions.jsonl").write_text(json.dumps({"id": "a", "probs": probs}) + "\n")

    with pytest.raises(BadOutput, match=r"[Ll]ine 1"):
        read_predictions(SEVERAL, tmp_path)


def test_metrics_of_one_label_and_of_several_do_not_mix():
    text = """
        {id: x, version: 1, title: x, task: text-classification, tasks: [text-classification], multi_label: MULTI,
         dataset: {repo: "builtin:x", revision: x}, request: classify, labels: {0: a, 1: b},
         metrics: [{name: METRIC, primary: true}]}"""

    def loaded(multi, metric):
        return load_definition(text.replace("MULTI", multi).replace("METRIC", metric))

    assert loaded("true", "multilabel_map").multi_label
    assert not loaded("false", "accuracy").multi_label
    for multi, metric in [("true", "accuracy"), ("false", "multilabel_map")]:
        with pytest.raises(BadDefinition, match="go together"):
            loaded(multi, metric)
