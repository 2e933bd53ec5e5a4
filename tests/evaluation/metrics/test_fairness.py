"""Gaps between groups: planted truth comes out exactly, and equals fairlearn's formulas written out by hand."""

import dataclasses

import numpy as np
import pytest

from evaluation.benchmarks.definitions import builtin_definitions, load_definition
from evaluation.benchmarks.schema import MetricUse, Slice, Uncertainty
from evaluation.benchmarks.writing import to_yaml
from evaluation.errors import BadDefinition
from evaluation.metrics.kinds.labels import LabelPredictions
from evaluation.metrics.registry import DERIVED
from evaluation.metrics.scoring import judge

DIGITS = next(definition for definition in builtin_definitions() if definition.id == "digits")
BINARY = dataclasses.replace(
    DIGITS,
    labels={0: "no", 1: "yes"},
    metrics=(MetricUse(name="accuracy", primary=True), MetricUse(name="macro_f1")),
    slices=(Slice(name="sex", by="group", role="fairness"),),
    uncertainty=Uncertainty(resamples=500),
)
THREE = dataclasses.replace(BINARY, labels={0: "a", 1: "b", 2: "c"})


def judged(rows, definition=BINARY):
    """rows: (group, gold, predicted, and perhaps the cluster) of each item."""
    gold = [
        {"id": str(at), "group": row[0], "label": row[1]} | ({"cluster": row[3]} if len(row) > 3 else {})
        for at, row in enumerate(rows)
    ]
    answers = LabelPredictions(ids=tuple(row["id"] for row in gold), labels=tuple(row[2] for row in rows))
    found = judge(definition, gold, answers)
    return found, {value.metric: value for value in found.values if value.metric in DERIVED}


def planted(cells):
    """Rows from {(group, gold, predicted): how many}."""
    return [key for key, count in cells.items() for _ in range(count)]


# f: 40 of 50 right among "no", 30 of 50 among "yes"; m: 90 of 100 and 95 of 100.
CELLS = {
    ("f", "no", "no"): 40, ("f", "no", "yes"): 10, ("f", "yes", "no"): 20, ("f", "yes", "yes"): 30,
    ("m", "no", "no"): 90, ("m", "no", "yes"): 10, ("m", "yes", "no"): 5, ("m", "yes", "yes"): 95,
}  # fmt: skip


def test_planted_gaps_come_out_exactly():
    found, figures = judged(planted(CELLS))

    assert figures["accuracy_gap"].value == pytest.approx(185 / 200 - 70 / 100, abs=1e-12)
    assert figures["accuracy_ratio"].value == pytest.approx(0.70 / 0.925, abs=1e-12)
    assert figures["tpr_gap"].value == pytest.approx(0.95 - 0.60, abs=1e-12)
    assert figures["fpr_gap"].value == pytest.approx(0.20 - 0.10, abs=1e-12)
    assert figures["equalized_odds_difference"].value == pytest.approx(0.35, abs=1e-12)
    assert figures["selection_rate_difference"].value == pytest.approx(105 / 200 - 40 / 100, abs=1e-12)
    assert all(value.slice == "sex" and value.n == 300 for value in figures.values())
    (about,) = found.diagnostics["fairness"]
    worst = {one["figure"]: one["worst"] for one in about["figures"]}
    assert (worst["accuracy_gap"], worst["tpr_gap"], worst["fpr_gap"]) == ("f", "f", "f")
    assert worst["selection_rate_difference"] is None


def test_the_interval_of_a_gap_is_that_of_two_independent_shares():
    _found, figures = judged(planted(CELLS))

    error = np.sqrt(0.7 * 0.3 / 100 + 0.925 * 0.075 / 200)
    gap = figures["accuracy_gap"]
    assert gap.method == "bootstrap"
    assert gap.low == pytest.approx(0.225 - 1.96 * error, abs=0.012)
    assert gap.high == pytest.approx(0.225 + 1.96 * error, abs=0.012)


def test_groups_that_fare_alike_have_an_interval_that_holds_zero():
    alike = {(group, "no", said): n for group in "fm" for said, n in (("no", 80), ("yes", 20))}

    _found, figures = judged(planted(alike))

    gap = figures["accuracy_gap"]
    assert gap.value == 0
    assert gap.low < 0 < gap.high
    assert "tpr_gap" not in figures  # nobody is "yes"
    assert "equalized_odds_difference" not in figures


def test_one_against_the_rest_equals_the_formulas_written_out():
    generator = np.random.default_rng(5)
    names = np.array(["a", "b", "c"])
    groups = np.array(["x", "y", "z"])[generator.integers(0, 3, 1500)]
    gold = names[generator.integers(0, 3, 1500)]
    said = np.where(
        generator.random(1500) < np.where(groups == "x", 0.6, 0.85), gold, names[generator.integers(0, 3, 1500)]
    )

    found, figures = judged(list(zip(groups.tolist(), gold.tolist(), said.tolist(), strict=True)), THREE)

    def gap(of_class, *, is_true):
        rates = []
        for group in "xyz":
            concerned = (groups == group) & ((gold == of_class) == is_true)
            rates.append((said[concerned] == of_class).mean())
        return max(rates) - min(rates)

    true, false = (max(gap(name, is_true=is_true) for name in "abc") for is_true in (True, False))
    assert figures["tpr_gap"].value == pytest.approx(true, abs=1e-12)
    assert figures["fpr_gap"].value == pytest.approx(false, abs=1e-12)
    assert figures["equalized_odds_difference"].value == pytest.approx(max(true, false), abs=1e-12)
    assert "selection_rate_difference" not in figures  # of two classes only
    shares = [(said == gold)[groups == group].mean() for group in "xyz"]
    assert figures["accuracy_gap"].value == pytest.approx(max(shares) - min(shares), abs=1e-12)
    of_class = {one["figure"]: one.get("class") for one in found.diagnostics["fairness"][0]["figures"]}
    assert gap(of_class["tpr_gap"], is_true=True) == pytest.approx(true, abs=1e-12)


def test_small_groups_are_said_and_take_no_part():
    small = {("x", "no", "yes"): 29}

    found, figures = judged(planted(CELLS | small))
    _same, without = judged(planted(CELLS))

    (about,) = found.diagnostics["fairness"]
    assert (about["groups"], about["too_few"], about["least"]) == (["f", "m"], [{"name": "x", "n": 29}], 30)
    assert {name: value.value for name, value in figures.items()} == {
        name: value.value for name, value in without.items()
    }
    assert "sex:x" not in {value.slice for value in found.values}


def test_one_large_group_is_compared_with_nothing():
    found, figures = judged(planted({("f", "no", "no"): 60, ("m", "no", "no"): 5}))

    assert figures == {}
    assert found.diagnostics["fairness"][0]["figures"] == []


def test_a_group_counts_its_clusters_and_intervals_widen_with_them():
    # Ten items a cluster, all right or all wrong: 60 and 40 clusters tell as much as so many items.
    rows = [
        (group, "no", "no" if at % every else "yes", f"{group}{at}")
        for group, count, every in (("f", 40, 4), ("m", 60, 12))
        for at in range(count)
        for _ in range(10)
    ]

    found, figures = judged(rows)

    assert [row["too_few"] for row in found.diagnostics["fairness"]] == [[]]
    gap = figures["accuracy_gap"]
    error = np.sqrt(0.25 * 0.75 / 40 + (1 / 12) * (11 / 12) / 60)
    assert gap.method == "clustered bootstrap"
    assert (gap.high - gap.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.12)
    few, none = judged([row for row in rows if int(row[3][1:]) < 20])
    assert none == {}
    assert few.diagnostics["fairness"][0]["too_few"] == [{"name": "f", "n": 20}, {"name": "m", "n": 20}]


def test_the_same_answers_give_the_same_figures():
    first, _figures = judged(planted(CELLS))
    second, _figures = judged(planted(CELLS))

    assert first.values == second.values
    assert first.diagnostics == second.diagnostics


def test_overall_scores_do_not_change_by_the_role_of_a_slice():
    plain = dataclasses.replace(BINARY, slices=())

    with_groups, _figures = judged(planted(CELLS))
    without, _none = judged(planted(CELLS), plain)

    assert [value for value in with_groups.values if not value.slice] == without.values
    assert without.diagnostics.get("fairness") is None


@pytest.mark.parametrize("by", ["label", "class"])
def test_classes_are_no_groups_to_be_fair_to(by):
    wrong = dataclasses.replace(BINARY, slices=(Slice(name="kind", by=by, role="fairness"),))

    with pytest.raises(BadDefinition, match="no classes"):
        load_definition(to_yaml(wrong))


def test_every_figure_says_what_it_means():
    for figure in DERIVED.values():
        assert figure.description.endswith(".")
        assert figure.title
        assert len(figure.name) <= 60
        assert figure.library.startswith("own")
