"""Definitions in the words of others."""

import dataclasses
import json

import pytest
import yaml
from django.core.management import CommandError, call_command
from jinja2 import Environment

from evaluation.benchmarks.definitions import (
    builtin_definitions,
    definition_hash,
    library_definitions,
    load_definition,
)
from evaluation.benchmarks.exchange import Hints, exported, imported
from evaluation.benchmarks.schema import MetricUse, Prompt
from evaluation.benchmarks.writing import to_yaml
from evaluation.errors import BadDefinition

SHA = "cc7b047b6e5bb11b4f1af84efc572db110a51b3c"
LM_EVAL = f"""
task: sums
tag: math_word_problems
dataset_path: openai/gsm8k
dataset_name: main
dataset_kwargs: {{revision: {SHA}}}
output_type: generate_until
training_split: train
fewshot_split: train
test_split: test
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{answer}}}}"
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true, ignore_case: true}}
generation_kwargs: {{until: ["\\n\\n", "Question:"], do_sample: false, temperature: 0.0, max_gen_toks: 300}}
filter_list:
  - name: get
    filter: [{{function: regex, regex_pattern: "#### (-?[0-9.,]+)"}}, {{function: take_first}}, {{function: juggle}}]
num_fewshot: 5
weight: 3
metadata: {{version: 3.0}}
"""
EVAL_YAML = """
name: Sums
description: >
  Word problems
  about sums.
evaluation_framework: inspect-ai
tasks:
  - id: main
    config: main
    split: test
    field_spec: {input: question, target: answer}
    solvers: [{name: generate}]
    scorers: [{name: model_graded_fact}]
  - {id: hard, split: test}
"""
MTEB = json.dumps(
    {
        "name": "Banking77Classification",
        "description": "Queries to a bank.",
        "reference": "https://arxiv.org/abs/2003.04807",
        "dataset": {"path": "mteb/banking77", "revision": "0fd18e25b25c072e09e0d92ab615fda904d66300"},
        "type": "Classification",
        "eval_splits": ["test"],
        "eval_langs": ["eng-Latn"],
        "main_score": "accuracy",
        "license": "mit",
    }
)


@pytest.mark.parametrize("definition", builtin_definitions(), ids=lambda one: one.id)
def test_every_definition_is_read_again_from_its_own_yaml(definition):
    again = load_definition(to_yaml(definition))

    assert again == definition
    assert definition_hash(again) == definition_hash(definition)


def test_a_task_of_lm_eval_keeps_what_decides_its_numbers():
    draft = imported("lm_eval", LM_EVAL)

    found = yaml.safe_load(draft.text)
    assert found["dataset"] == {
        "repo": "openai/gsm8k", "revision": SHA, "config": "main", "split": "test", "fewshot_split": "train"
    }  # fmt: skip
    assert found["fields"] == {"target": "answer"}
    assert found["prompt"] == {"template": "Question: {{question}}\nAnswer:", "shots": 5}
    assert found["generation"] == {"max_new_tokens": 300, "stop": ["\n\n", "Question:"]}
    assert found["metrics"] == [{"name": "exact_match", "primary": True}]
    assert found["filters"] == [{"name": "regex", "pattern": "#### (-?[0-9.,]+)"}]
    assert found["status"] == "draft"
    assert [note for note in draft.notes if not note.startswith("Still")] == [
        "weight: left out, it has no place in a definition.",
        "filter juggle: left out; write it as one of ours.",
        "metric exact_match: ignore_case left out.",
    ]


def test_choices_may_be_a_column_or_a_list():
    start = "task: t\ndataset_path: a/b\noutput_type: multiple_choice\ndoc_to_text: query\ndoc_to_target: label\n"

    column = yaml.safe_load(imported("lm_eval", start + "doc_to_choice: '{{choices.text}}'\n").text)
    listed = yaml.safe_load(imported("lm_eval", start + "doc_to_choice: ['no', 'yes']\n").text)

    assert column["prompt"] == {"template": "{{ query }}", "choices": "choices.text"}
    assert listed["prompt"]["choices"] == ["no", "yes"]
    assert column["request"] == "loglikelihood"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: t\nprocess_docs: !function utils.process\n", "line 2 calls a function (!function)"),
        ("include: base.yaml\ntask: t\n", "takes part of itself from another file"),
        ("task: t\noutput_type: juggling\n", "'juggling' has no counterpart here"),
        ("- a\n- b\n", "not a mapping"),
        ("task: [unclosed\n", "line 2"),
        ("task: {a: b}\n", "task: expected text"),
    ],
)
def test_a_task_that_runs_code_or_is_none_is_refused(text, said):
    with pytest.raises(BadDefinition) as refused:
        imported("lm_eval", text)

    assert said in refused.value.message


def test_an_eval_yaml_gives_one_of_its_tasks():
    draft = imported("eval.yaml", EVAL_YAML, Hints(dataset="openai/gsm8k", revision=SHA))

    found = yaml.safe_load(draft.text)
    assert (found["id"], found["title"], found["summary"]) == ("sums-main", "Sums", "Word problems about sums.")
    assert found["dataset"] == {"repo": "openai/gsm8k", "revision": SHA, "config": "main", "split": "test"}
    assert found["fields"] == {"target": "answer"}
    assert draft.notes[0] == "The file has 2 tasks: main, hard; this is main."
    assert any("model_graded_fact" in note for note in draft.notes)
    hard = imported("eval.yaml", EVAL_YAML, Hints(dataset="openai/gsm8k", task="hard"))
    assert "An eval.yaml pins no revision: give the commit of the dataset." in hard.notes


@pytest.mark.parametrize(
    ("text", "hints", "said"),
    [
        (EVAL_YAML, Hints(), "does not name the dataset it lies in"),
        ("name: x\n", Hints(dataset="a/b"), "lists its tasks"),
        (EVAL_YAML, Hints(dataset="a/b", task="soft"), "no task 'soft'; the file has main, hard"),
    ],
)
def test_an_eval_yaml_that_says_too_little_is_refused(text, hints, said):
    with pytest.raises(BadDefinition) as refused:
        imported("eval.yaml", text, hints)

    assert said in refused.value.message


def test_metadata_of_mteb_carries_its_revision():
    draft = imported("mteb", MTEB)

    found = yaml.safe_load(draft.text)
    assert found["id"] == "mteb-banking77-classification"
    assert found["dataset"]["revision"] == "0fd18e25b25c072e09e0d92ab615fda904d66300"
    assert found["engine"] == {"name": "mteb", "harness_task": "Banking77Classification"}
    assert found["languages"] == ["en"]
    assert load_definition(draft.text).primary.name == "mteb_accuracy"
    assert not [note for note in draft.notes if "engine" in note or "metrics" in note]


def test_a_task_of_mteb_that_cannot_be_judged_here_says_so():
    draft = imported("mteb", MTEB.replace('"Classification"', '"Clustering"').replace('"accuracy"', '"v_measure"'))

    assert draft.notes[0].startswith("engine: tasks of mteb's type Clustering are not taken apart here yet")
    assert draft.notes[1] == "metrics: v_measure of mteb is not among ours yet."
    assert any(note.startswith("Still to be decided: metrics[0].name") for note in draft.notes)


def test_the_command_writes_the_draft_and_says_what_is_open(tmp_path, capsys):
    file = tmp_path / "task.yaml"
    file.write_text(LM_EVAL)

    call_command("import_benchmark", str(file), format="lm_eval")

    said = capsys.readouterr()
    assert yaml.safe_load(said.out)["id"] == "sums"
    assert "weight: left out" in said.err
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_benchmark", str(tmp_path / "none.yaml"), format="lm_eval")


def in_lm_evals_words(name, **changes):
    definition = next(one for one in library_definitions() if one.id == name)
    known = tuple(use for use in definition.metrics if use.name != "acc_rescaled")
    return dataclasses.replace(definition, **({"metrics": known} | changes))


def test_a_definition_comes_back_from_lm_evals_words_as_it_was():
    arc = in_lm_evals_words("arc-easy")

    text = exported("lm_eval", arc)

    again = load_definition(imported("lm_eval", text).text)
    assert again.prompt == arc.prompt
    # lm_eval numbers its documents itself.
    assert again.fields == {name: path for name, path in arc.fields.items() if name != "id"}
    assert (again.dataset, again.metrics) == (
        dataclasses.replace(arc.dataset, license="unknown", expect_rows=None),
        arc.metrics,
    )


def test_the_templates_of_an_exported_task_are_templates_of_jinja():
    task = yaml.safe_load(exported("lm_eval", in_lm_evals_words("arc-easy")))
    row = {"question": "Why?", "choices": {"text": ["so", "or so"], "label": ["A", "B"]}, "answerKey": "B"}

    made = {
        name: Environment().from_string(task[f"doc_to_{name}"]).render(row) for name in ("text", "target", "choice")
    }

    assert made == {"text": "Question: Why?\nAnswer:", "target": "1", "choice": "['so', 'or so']"}


def test_running_text_is_the_target_of_lm_eval():
    wikitext = in_lm_evals_words("wikitext2")

    text = exported("lm_eval", wikitext)

    again = load_definition(imported("lm_eval", text).text)
    assert yaml.safe_load(text)["doc_to_target"] == f"{{{{{wikitext.fields['text']}}}}}"
    assert again.fields["text"] == wikitext.fields["text"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt": Prompt(template="{{ q }}", choices="c", shots=2)}, "prompt.shots: lm_eval draws other examples"),
        ({"prompt": Prompt(template="{{ q }}", choices="c", chat_template="auto")}, "prompt.chat_template: lm_eval's"),
        (
            {"metrics": (MetricUse(name="acc_rescaled", primary=True),)},
            "metrics[0].name: lm_eval has nothing that means the same",
        ),
    ],
)
def test_what_would_give_other_numbers_in_lm_eval_is_refused(changes, said):
    with pytest.raises(BadDefinition) as refused:
        exported("lm_eval", in_lm_evals_words("arc-easy", **changes))

    assert said in refused.value.message


@pytest.mark.parametrize("name", ["digits", "bitext"])
def test_what_lm_eval_cannot_say_is_refused(name):
    definition = next(one for one in builtin_definitions() if one.id == name)

    with pytest.raises(BadDefinition, match="lm_eval has no output_type"):
        exported("lm_eval", definition)
