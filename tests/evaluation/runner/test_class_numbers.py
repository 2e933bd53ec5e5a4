"""Classes that a benchmark compares by number: whatever a model calls them, output i is class i."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from evaluation.runner.class_numbers import are_numbers
from evaluation.runner.failures import RunFailed
from evaluation.runner.labels import LabelMap


def model(*names):
    return SimpleNamespace(config=SimpleNamespace(id2label=dict(enumerate(names))))


def test_numbered_classes_take_a_models_outputs_in_their_order():
    found = LabelMap.of(model("crane", "crane"), ("#0", "#1"))

    assert found.results(np.array([[0.25, 0.75]], dtype=np.float32)) == [{"label": "#1", "probs": [0.25, 0.75]}]


def test_numbered_classes_of_which_an_item_may_have_several_get_a_probability_each():
    found = LabelMap.of(model("crane", "crane"), ("#0", "#1"), several=True)

    assert found.probabilities(torch.zeros(1, 2)).tolist() == [[0.5, 0.5]]
    assert found.probabilities(torch.full((1, 2), 9.0)).min() > 0.99
    assert found.results(np.array([[0.75, 0.75]], dtype=np.float32)) == [{"probs": [0.75, 0.75]}]


def test_a_model_with_another_number_of_classes_is_refused():
    with pytest.raises(RunFailed, match=r"The model has 3 labels \(id2label\); the benchmark numbers 2"):
        LabelMap.of(model("a", "b", "c"), ("#0", "#1"))


@pytest.mark.parametrize("names", [("#1", "#0"), ("#0",), ("0", "1"), ("#0", "dog")])
def test_other_names_are_compared_as_names(names):
    assert not are_numbers(names)
    with pytest.raises(RunFailed):
        LabelMap.of(model("cat", "bird"), names)
