"""Answers that are parts of a context: SQuAD's rules, and what is refused."""

import json

import pytest

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.errors import BadOutput
from evaluation.metrics.formulas.squad import exact, normalised, overlap_f1
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

GAPS = next(definition for definition in builtin_definitions() if definition.id == "manual-gaps")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The  Quick, brown fox!", "quick brown fox"),
        ("a theory of an answer", "theory of answer"),
        ("don't", "dont"),
        ("the", ""),
        ("«Über»", "«über»"),  # only ASCII punctuation goes, as in SQuAD
    ],
)
def test_case_punctuation_articles_and_spaces_do_not_count(text, plain):
    assert normalised(text) == plain


@pytest.mark.parametrize(
    ("answer", "right", "is_exact", "shared"),
    [
        ("The Norman dynasty", ["Norman dynasty"], 1, 1),
        ("dynasty", ["Norman dynasty"], 0, 2 / 3),
        ("in the 10th century", ["10th century", "the tenth century"], 0, 0.8),
        ("a a b", ["a b b"], 0, 1.0 * 2 * 1 / (1 + 2)),  # articles are gone: b against b b
        ("", [], 1, 1),
        ("something", [], 0, 0),
        ("", ["something"], 0, 0),
        ("the", ["a"], 1, 1),  # nothing is left of either
    ],
)
def test_answers_are_compared_with_the_nearest_right_one(answer, right, is_exact, shared):
    assert exact(answer, right) == is_exact
    assert overlap_f1(answer, right) == pytest.approx(shared)


def test_questions_with_and_without_answers_are_also_shown_apart(tmp_path):
    gold = [{"id": f"y{number}", "answers": ["right"], "fields": {"answerable": "yes"}} for number in range(6)]
    gold += [{"id": f"n{number}", "answers": [], "fields": {"answerable": "no"}} for number in range(4)]
    answers = {row["id"]: "right" for row in gold} | {"n0": "", "y0": "wrong"}
    lines = [json.dumps({"id": key, "answer": answer}) for key, answer in answers.items()]
    (tmp_path / "predictions.jsonl").write_text("\n".join(lines))

    found = {(value.metric, value.slice): value for value in score(GAPS, gold, read_predictions(GAPS, tmp_path))}

    assert found["squad_exact_match", ""].value == 0.6
    assert found["squad_exact_match", ""].method == "wilson"
    assert found["squad_f1", "answerable:yes"].value == pytest.approx(5 / 6)
    assert found["squad_f1", "answerable:no"].value == 0.25
    assert found["squad_f1", "answerable:no"].n == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"id": "a"}, "no id or no answer"),
        ({"id": "a", "answer": None}, "no id or no answer"),
        ({"id": "a", "answer": "x" * 10_001}, "longer than 10000"),
    ],
)
def test_bad_answers_are_refused_with_a_sentence(line, said, tmp_path):
    (tmp_path / "predictions.jsonl").write_text(json.dumps(line) + "\n")

    with pytest.raises(BadOutput, match=said):
        read_predictions(GAPS, tmp_path)
