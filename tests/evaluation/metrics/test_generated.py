"""Written texts: what is read, what is counted, and what is refused."""

import dataclasses
import json

import pytest

from evaluation.benchmarks.definitions import builtin_definitions, run_spec
from evaluation.benchmarks.schema import Generation, MetricUse, Prompt
from evaluation.errors import BadOutput
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

DIGITS = next(definition for definition in builtin_definitions() if definition.id == "digits")
WRITING = dataclasses.replace(
    DIGITS,
    request="generate",
    labels=None,
    generation=Generation(max_new_tokens=8),
    metrics=(
        MetricUse(name="length_ratio", primary=True),
        MetricUse(name="truncated_share"),
        MetricUse(name="tokens_out"),
    ),
)
GOLD = [{"id": key, "references": ["two words"]} for key in "abcd"]


def line(key, text="one two three", tokens=4, truncated=False):
    return json.dumps({"id": key, "outputs": [{"text": text, "tokens": tokens, "truncated": truncated}]}) + "\n"


def scored(folder, lines, definition=WRITING):
    (folder / "predictions.jsonl").write_text("".join(lines))
    return {value.metric: value for value in score(definition, GOLD, read_predictions(definition, folder))}


def test_length_and_cut_texts_are_counted(tmp_path):
    found = scored(tmp_path, [line("a"), line("b", truncated=True, tokens=8), line("c", text=""), line("d")])

    assert found["length_ratio"].value == 9 / 8
    assert found["length_ratio"].method == "bootstrap"
    assert found["truncated_share"].value == 1 / 4
    assert found["truncated_share"].method == "wilson"
    assert found["tokens_out"].value == 5
    assert all(value.low <= value.value <= value.high for value in found.values())


def test_of_several_texts_about_an_item_one_cut_text_suffices(tmp_path):
    twice = dataclasses.replace(WRITING, generation=Generation(max_new_tokens=8, repeats=2))
    outputs = [{"text": "x", "tokens": 1, "truncated": cut} for cut in (False, True)]
    lines = [json.dumps({"id": key, "outputs": outputs}) + "\n" for key in "abcd"]

    assert scored(tmp_path, lines, twice)["truncated_share"].value == 1
    with pytest.raises(BadOutput, match="not exactly 1 texts"):
        scored(tmp_path, lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": "a"}\n', "no id or not exactly 1 texts"),
        ('{"id": 1, "outputs": [{"text": "", "tokens": 0, "truncated": false}]}\n', "no id"),
        ('{"id": "a", "outputs": ["text"]}\n', "no length"),
        ('{"id": "a", "outputs": [{"text": "", "tokens": -1, "truncated": false}]}\n', "no length"),
        (line("a", tokens=10**400), "no length"),
        ('{"id": "a", "outputs": [{"text": "", "tokens": true, "truncated": false}]}\n', "no length"),
        ('{"id": "a", "outputs": [{"text": "", "tokens": 1, "truncated": 0}]}\n', "no word on its end"),
        ('{"id": "a", "outputs": [{"text": "\\ud800", "tokens": 1, "truncated": false}]}\n', "not Unicode"),
        (line("a", text="x" * 1_000_001), "longer than 1000000"),
    ],
)
def test_bad_texts_are_refused_with_a_sentence(text, said, tmp_path):
    with pytest.raises(BadOutput, match=said):
        scored(tmp_path, [text])


def test_the_runner_is_told_how_to_prompt_and_how_far_to_write():
    options = run_spec(dataclasses.replace(WRITING, prompt=Prompt(template="{{ text }}")))["options"]

    assert options["generation"]["max_new_tokens"] == 8
    assert options["generation"]["beams"] == 1
    assert options["prompt"]["template"] == "{{ text }}"
    assert run_spec(DIGITS)["options"] == {}
