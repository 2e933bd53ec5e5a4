"""Definitions: what is accepted, how mistakes are named, what the hash covers."""

from pathlib import Path

import pytest

from evaluation.benchmarks import definitions
from evaluation.benchmarks.definitions import builtin_definitions, definition_hash, load_definition, run_spec
from evaluation.benchmarks.writing import to_yaml
from evaluation.errors import BadDefinition

FOLDER = Path(definitions.__file__).parent / "builtin"
DIGITS = (FOLDER / "digits.yaml").read_text(encoding="utf-8")


def asking(cost):
    return f"seed: 1234\nefficiency: {{{cost}}}"


def test_each_built_in_benchmark_is_named_like_its_file_and_has_one_primary_metric():
    found = {definition.id: definition.primary.name for definition in builtin_definitions()}

    assert set(found) == {path.stem for path in FOLDER.glob("*.yaml")}
    assert found["bitext"] == "bitext_accuracy"
    assert found["digits"] == "accuracy"


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        (("seed: 1234", "sead: 1234"), "sead", "unknown key"),
        (("license: cc-by-4.0", "licence: cc-by-4.0"), "dataset.licence", "unknown key"),
        (("version: 1", "version: yes"), "version", "expected a whole number, not true"),
        (("version: 1", "version: 0"), "version", "count from 1"),
        (("task: image-classification", "task: juggling"), "task", "is not one of"),
        (("revision: scikit-learn==1.9.1", "revision: Main Branch"), "dataset.revision", "package==version"),
        (('9: "9"', '11: "9"'), "labels", "without gaps"),
        (('9: "9"', '9: "8"'), "labels", "same name"),
        (('9: "9"', "9: 9"), "labels.9", "expected text"),
        (("{name: macro_f1}", "{name: macro_f2}"), "metrics[1].name", "is not a metric"),
        (("{bins: 15}", "{bons: 15}"), "metrics[2].params.bons", "no such parameter"),
        (("{name: macro_f1}", "{name: macro_f1, primary: true}"), "metrics", "exactly one metric is primary"),
        (("level: 0.95", "level: 95.0"), "uncertainty.level", "between"),
        (("minutes: 60", "minutes: -1"), "limits", "positive"),
        (("seed: 1234", asking("scenarios: []")), "efficiency.scenarios", "each once"),
        (("seed: 1234", asking("scenarios: [offline, offline]")), "efficiency.scenarios", "each once"),
        (("seed: 1234", asking("scenarios: [server]")), "efficiency.scenarios[0]", "is not one of"),
        (("seed: 1234", asking("scenarios: [offline], input: random")), "efficiency.input", "is not one of"),
        (("seed: 1234", asking("scenarios: [offline], warmup: 0")), "efficiency.warmup", "more than 0"),
        (("seed: 1234", asking("scenarios: [offline], max_seconds: 5")), "efficiency.max_seconds", "less than"),
        (("id: digits", "id: Digits!"), "id", "lower case"),
        (("title: Handwritten digits\n", ""), "title", "required"),
        (("seed: 1234", "seed: 1234\nseed: 1"), "seed", "appears twice"),
    ],
)
def test_a_mistake_is_named_by_its_path_and_a_sentence(change, path, said):
    text = DIGITS.replace(*change)
    assert text != DIGITS

    with pytest.raises(BadDefinition) as refused:
        load_definition(text)

    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message


def test_cost_is_measured_where_a_definition_asks_and_by_none_that_runs_by_itself():
    asking_ones = {one.id: one for one in builtin_definitions() if one.efficiency is not None}

    assert set(asking_ones) == {"langid-cost", "manual-last-word-cost"}
    assert {one.status for one in asking_ones.values()} == {"draft"}
    assert run_spec(asking_ones["langid-cost"])["efficiency"]["max_seconds"] == 120
    assert run_spec(load_definition(DIGITS))["efficiency"] is None


@pytest.mark.parametrize(
    ("asked", "path", "said"),
    [
        ("{method: magic}", "interpret.method", "not one of"),
        ("{method: occlusion, samples: 33}", "interpret.samples", "1 to 32"),
        ("{method: integrated-gradients, steps: 4}", "interpret.steps", "8 to 256"),
        ("{method: occlusion, max_seconds: 0}", "interpret.max_seconds", "more than 0"),
        ("{method: occlusion, baseline: mask}", "interpret.baseline", "images have no tokens"),
    ],
)
def test_what_answers_rest_on_is_asked_within_reason(asked, path, said):
    with pytest.raises(BadDefinition) as refused:
        load_definition(f"{DIGITS}interpret: {asked}\n")

    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message


def test_only_single_answers_are_taken_apart():
    text = next(to_yaml(one) for one in builtin_definitions() if one.id == "retrieval-en")

    with pytest.raises(BadDefinition, match="are not taken apart here; those to classify, image-classify are"):
        load_definition(f"{text}interpret: {{method: occlusion}}\n")


def test_a_definition_that_asks_what_answers_rest_on_is_read_as_it_was_written():
    definition = load_definition(f"{DIGITS}interpret: {{method: occlusion, samples: 3}}\n")

    assert load_definition(to_yaml(definition)) == definition
    assert definition_hash(definition) != definition_hash(load_definition(DIGITS))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: [1", "line"),
        ("!!python/object:os.system {}", "constructor"),
        ("- a\n- b\n", "expected a mapping"),
        ("x" * 70_000, "at most 64 KiB"),
        ("[" * 5000, ""),
    ],
)
def test_text_that_is_not_plain_yaml_is_refused(text, said):
    with pytest.raises(BadDefinition) as refused:
        load_definition(text)

    assert said in refused.value.message


def test_hub_data_needs_a_commit_and_never_a_branch():
    text = DIGITS.replace("repo: builtin:sklearn-digits", "repo: fancyzhx/ag_news")

    with pytest.raises(BadDefinition, match="40 hex digits"):
        load_definition(text.replace("scikit-learn==1.9.1", "main"))

    assert load_definition(text.replace("scikit-learn==1.9.1", "a" * 40)).dataset.revision == "a" * 40


def test_the_hash_ignores_titles_and_limits_and_spelled_out_defaults():
    original = definition_hash(load_definition(DIGITS))

    for before, after in [
        ("title: Handwritten digits", "title: Digits"),
        ("minutes: 60", "minutes: 5"),
        ("status: stable", "status: deprecated"),
        ("seed: 1234", "seed: 1234\ndtype: auto"),
    ]:
        assert definition_hash(load_definition(DIGITS.replace(before, after))) == original


def test_the_hash_changes_with_all_that_can_change_a_number():
    original = definition_hash(load_definition(DIGITS))

    for before, after in [
        ("version: 1", "version: 2"),
        ("{bins: 15}", "{bins: 10}"),
        ("seed: 7", "seed: 8"),
        ("split: test", "split: train"),
        ('0: "0", 1: "1"', '0: "1", 1: "0"'),
    ]:
        assert definition_hash(load_definition(DIGITS.replace(before, after, 1))) != original


def test_what_the_schema_learns_later_leaves_published_hashes_alone():
    """The hashes under which sites already keep scores: they must never change without a new version."""
    found = {definition.id: definition_hash(definition) for definition in builtin_definitions()}

    assert found["digits"] == "fcab74f24e8a7ecbd75cbc9246c5f8ae998aef716342ce446385ba97e8cc90ec"
    assert found["langid"] == "0542c80172bfa020ba6b29e2ea7fd507cca699e41931e7145be26831f7a8c3f4"
    assert found["bitext"] == "1b83249fb3118a3171c4101d7efeb9114dbd7a0b48d1a1a4eab8e670dd7c13a9"
    assert found["retrieval-en"] == "395dc495826d2b51e6fa0f78840da14b4036d39ceff0e7828435d0fbe4825192"
