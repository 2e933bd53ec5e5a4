"""Choices, running text and exact answers: what is counted, and what no model can have sent."""

import dataclasses
import json
import math

import pytest

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import Filter, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}
CHOICE, WRITING, RUNNING = (DEFINITIONS[f"manual-{name}"] for name in ("next-sentence", "last-word", "perplexity"))
CHOICES_GOLD = [
    {"id": "a", "answer": 0, "choice_chars": [2, 8], "choice_bytes": [4, 8]},
    {"id": "b", "answer": 1, "choice_chars": [2, 8], "choice_bytes": [4, 8]},
    {"id": "c", "answer": 2, "choice_chars": [1, 1, 1, 1], "choice_bytes": [1, 1, 1, 1]},
]


def scored(folder, definition, gold, rows):
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    values = score(definition, gold, read_predictions(definition, folder))
    return {value.metric: value for value in values}


def judged(key, *logprobs):
    return {"id": key, "logprobs": logprobs, "greedy": [False] * len(logprobs)}


def test_the_likeliest_choice_counts_as_it_is_by_character_and_by_byte(tmp_path):
    # "b": per character -1.5 and -0.5; per byte -0.75 and -0.5. "a": -0.5, -0.4; -0.25, -0.4.
    rows = [judged("a", -1.0, -3.2), judged("b", -3.0, -4.0), judged("c", -2.0, -1.5, -1.5, -9.0)]

    found = scored(tmp_path, CHOICE, CHOICES_GOLD, rows)

    assert found["acc"].value == 1 / 3
    assert found["acc_norm"].value == 1 / 3
    assert found["acc_bytes"].value == 2 / 3
    assert found["acc_rescaled"].value == pytest.approx((1 - 1 - 1 / 3) / 3)
    assert found["acc"].method == "wilson"
    assert found["acc_rescaled"].low >= -1


def test_guessing_is_zero_and_all_right_is_one_above_chance(tmp_path):
    gold = [{"id": str(n), "answer": n % 4, "choice_chars": [1] * 4, "choice_bytes": [1] * 4} for n in range(8)]

    first = scored(tmp_path, CHOICE, gold, [judged(str(n), -1.0, -2.0, -2.0, -2.0) for n in range(8)])
    right = scored(tmp_path, CHOICE, gold, [judged(str(n), *(-1.0 - (n % 4 != m) for m in range(4))) for n in range(8)])

    assert first["acc"].value == 0.25
    assert first["acc_rescaled"].value == pytest.approx(0)
    assert right["acc_rescaled"].value == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (judged("a", -1.0), "judged 1 choices of an item that has 2"),
        (judged("a", -1.0, 0.5), "no logarithm of a probability"),
        (judged("a", -1.0, -math.inf), "no logarithm of a probability"),
        (judged("a", -1.0, math.nan), "no logarithm of a probability"),
        (judged("a", -1.0, -(10**400)), "no logarithm of a probability"),
        (judged("a", -1.0, True), "no logarithm of a probability"),
        (judged("a", -1.0, "-2"), "no logarithm of a probability"),
        ({"id": "a", "logprobs": [-1, -2], "greedy": [True]}, "whether it is greedy"),
        ({"id": "a", "logprobs": [-1, -2], "greedy": [0, 1]}, "whether it is greedy"),
        ({"id": "a", "logprobs": -1, "greedy": []}, "no log-probabilities"),
        ({"id": "a"}, "no log-probabilities"),
        ({"id": 7, "logprobs": [-1, -2], "greedy": [True, True]}, "has no id"),
        (judged("z", -1.0, -2.0), "not asked about"),
    ],
)
def test_judgements_that_cannot_be_are_refused(tmp_path, row, said):
    others = [judged("b", -1.0, -2.0), judged("c", -1.0, -1.0, -1.0, -1.0)]

    with pytest.raises(BadOutput, match=said):
        scored(tmp_path, CHOICE, CHOICES_GOLD, [row, *others])


def test_running_text_is_summed_over_the_corpus_before_it_is_divided(tmp_path):
    gold = [{"id": "a", "bytes": 10, "words": 2}, {"id": "b", "bytes": 90, "words": 18}]
    rows = [{"id": "a", "logprob": -20.0, "tokens": 4}, {"id": "b", "logprob": -40.0, "tokens": 9}]

    found = scored(tmp_path, RUNNING, gold, rows)

    assert found["bits_per_byte"].value == pytest.approx(0.6 / math.log(2))
    assert found["byte_perplexity"].value == pytest.approx(math.exp(0.6))
    assert found["word_perplexity"].value == pytest.approx(math.exp(3))
    assert found["bits_per_byte"].method == "bootstrap"
    assert all(value.low <= value.value <= value.high for value in found.values())


def test_a_hopeless_model_has_a_finite_perplexity(tmp_path):
    found = scored(tmp_path, RUNNING, [{"id": "a", "bytes": 1, "words": 1}], [{"id": "a", "logprob": -1e6}])

    assert math.isfinite(found["word_perplexity"].value)


@pytest.mark.parametrize("value", [0.1, None, "x", math.inf, -(10**400)])
def test_a_text_cannot_be_likelier_than_certain(tmp_path, value):
    with pytest.raises(BadOutput, match="no logarithm"):
        scored(tmp_path, RUNNING, [{"id": "a", "bytes": 1, "words": 1}], [{"id": "a", "logprob": value}])


def says(key, *texts):
    return {"id": key, "outputs": [{"text": text, "tokens": 1, "truncated": False} for text in texts]}


def test_answers_match_after_the_filters_and_texts_without_one_are_counted(tmp_path):
    gold = [{"id": key, "references": ["yes", "Yes!"]} for key in "abcd"]
    rows = [says("a", " yes indeed"), says("b", "Yes!"), says("c", "yes."), says("d", "...")]
    definition = dataclasses.replace(WRITING, filters=(Filter(name="regex", pattern=r"\w\S*", group=0),))

    found = scored(tmp_path, definition, gold, rows)
    loose = (MetricUse(name="exact_match", primary=True, params={"ignore_case": 1, "ignore_punctuation": 1}),)
    ignoring = scored(tmp_path, dataclasses.replace(definition, metrics=loose), gold, rows)

    assert found["exact_match"].value == 0.5
    assert found["no_answer"].value == 0.25
    assert ignoring["exact_match"].value == 0.75


def test_of_several_texts_each_counts_or_their_majority(tmp_path):
    generation = dataclasses.replace(WRITING.generation, repeats=3, do_sample=True)
    mean = dataclasses.replace(WRITING, generation=generation, filters=())
    vote = dataclasses.replace(mean, filters=("majority",))
    gold = [{"id": key, "references": ["x"]} for key in "ab"]
    rows = [says("a", "x", "y", "x"), says("b", "y", "y", "x")]

    assert scored(tmp_path, mean, gold, rows)["exact_match"].value == 0.5
    assert scored(tmp_path, vote, gold, rows)["exact_match"].value == 0.5
    assert scored(tmp_path, mean, gold[:1], rows[:1])["exact_match"].value == pytest.approx(2 / 3)
    assert scored(tmp_path, vote, gold[:1], rows[:1])["exact_match"].value == 1
