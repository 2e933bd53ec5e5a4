"""Prompts: what a model is shown, what stays gold, and rows that do not fit."""

import dataclasses

import pytest

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import builtin_definitions, load_definition
from evaluation.benchmarks.hub.reading import read_dataset
from evaluation.benchmarks.prompts import items_of
from evaluation.benchmarks.schema import Prompt
from evaluation.errors import BadDefinition
from tests.evaluation.benchmarks.data import REVISION, dataset, lines, text_of
from tests.evaluation.benchmarks.test_definitions import FOLDER

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}
CHOICE, WRITING, RUNNING = (DEFINITIONS[f"manual-{name}"] for name in ("next-sentence", "last-word", "perplexity"))
ROWS = [
    {"id": "a", "q": "1+1", "options": ["1", "2"], "answer": 1, "topic": "sums"},
    {"id": "b", "q": "2+2", "options": ["4", "5", "ü"], "answer": 0, "topic": "sums"},
]
SHOTS = [{"id": f"s{n}", "q": f"{n}+0", "options": [str(n), "x"], "answer": 0, "topic": "t"} for n in range(6)]


def choice(**changes):
    prompt = Prompt(**({"template": "{{ q }} =", "choices": "options"} | changes))
    return dataclasses.replace(CHOICE, prompt=prompt)


def test_a_choice_shows_its_context_once_and_each_choice_behind_the_delimiter():
    items = items_of(choice(), ROWS)

    assert items.inputs[1] == {"id": "b", "contexts": ["2+2 ="], "continuations": [" 4", " 5", " ü"]}
    assert items.gold[1] == {
        "id": "b", "answer": 0, "label": "0", "choice_chars": [1, 1, 1], "choice_bytes": [1, 1, 2], "chars": 5,
        "cluster": "sums",
    }  # fmt: skip


def test_the_right_choice_may_be_named_by_its_text_its_number_or_a_template():
    by_text = [ROWS[0] | {"answer": "2"}]
    by_digit = [ROWS[0] | {"options": ["x", "y"], "answer": "1"}]
    counted_from_one = dataclasses.replace(choice(), fields={"id": "id", "target": "{{ answer - 1 }}"})

    assert items_of(choice(), by_text).gold[0]["answer"] == 1
    assert items_of(choice(), by_digit).gold[0]["answer"] == 1
    assert items_of(counted_from_one, [ROWS[0] | {"answer": 2}]).gold[0]["answer"] == 1


def test_choices_may_be_letters_of_the_definition_or_made_by_a_template():
    letters = choice(choices=("A", "{{ options[1] }}"), target_delimiter="\n")
    made = choice(choices="{{ [q, 'none'] }}")

    assert items_of(letters, ROWS).inputs[0]["continuations"] == ["\nA", "\n2"]
    assert items_of(made, ROWS[:1]).inputs[0]["continuations"] == [" 1+1", " none"]


def test_examples_stand_before_every_question_and_are_the_same_for_all():
    definition = choice(shots=2, shot_seed=5, description="Sums about {{ topic }}.\n", fewshot_delimiter="\n")

    contexts = [row["contexts"][0] for row in items_of(definition, ROWS, SHOTS).inputs]
    others = items_of(choice(shots=2, shot_seed=6), ROWS, SHOTS).inputs[0]["contexts"][0]

    first, second = (context.splitlines() for context in contexts)
    assert first[0] == "Sums about sums."
    assert first[1:3] == second[1:3]
    assert all(line.split("+")[0] == line.split(" = ")[1] for line in first[1:3])
    assert (first[3], second[3]) == ("1+1 =", "2+2 =")
    assert others.split("\n\n")[:2] != first[1:3]


def test_a_question_is_never_its_own_example():
    definition = choice(shots=3)

    items = items_of(definition, SHOTS, SHOTS)

    for row, shot in zip(items.inputs, SHOTS, strict=True):
        lines = row["contexts"][0].split("\n\n")
        assert len(lines) == 4
        assert not any(line.startswith(shot["q"]) for line in lines[:3])


def test_a_question_of_a_dataset_is_never_its_own_example_though_it_stands_there_twice():
    rows = [*({"q": f"{number}+0", "options": [str(number), "x"], "answer": 0} for number in range(6)),
            {"q": "0+0", "options": ["0", "x"], "answer": 0}]  # fmt: skip
    wanted = load_definition(
        text_of(
            {"id": "own", "task": "text-generation", "status": "draft", "repo": "acme/data", "revision": REVISION,
             "split": "test", "labels": "null", "request": "loglikelihood", "metric": "acc"},
            "{target: answer}",
            ", fewshot_split: test",
            'prompt: {template: "{{ q }} =", choices: options, shots: 3}',
        )
    )  # fmt: skip

    items = read_dataset(wanted, dataset({"test.jsonl": lines(*rows)}))

    for row, asked in zip(items.inputs, rows, strict=True):
        parts = row["contexts"][0].split("\n\n")
        assert len(parts) == 4
        assert not any(part.startswith(asked["q"]) for part in parts[:3])


def language_data(request: str, metric: str, fields: str, rows: list[dict], more: str = ""):
    shown = {"id": "own", "task": "text-generation", "status": "draft", "repo": "acme/data", "revision": REVISION,
             "split": "test", "labels": "null", "request": request, "metric": metric}  # fmt: skip
    return read_dataset(load_definition(text_of(shown, fields, more=more)), dataset({"test.jsonl": lines(*rows)}))


def test_paths_lead_as_far_as_those_of_other_benchmarks():
    """A name with a dot in it, a place in a list, a part of each object."""
    row = {"answer.best": "b", "options": [{"text": "a"}, {"text": "b"}], "tags": ["x", "y"]}
    fields = "{target: answer.best, group: tags.1, cluster: options.0.text}"

    items = language_data("loglikelihood", "acc", fields, [row], 'prompt: {template: "Which?", choices: options.text}')

    assert items.inputs[0]["continuations"] == [" a", " b"]
    assert (items.gold[0]["answer"], items.gold[0]["group"], items.gold[0]["cluster"]) == (1, "y", "a")


def test_empty_running_text_is_left_out_wherever_it_stands():
    rows = [{"page": {"text": "words"}}, {"page": {"text": " \n"}}]

    items = language_data("rolling", "bits_per_byte", "{text: page.text}", rows)

    assert ([row["text"] for row in items.inputs], items.rows) == (["words"], 2)
    with pytest.raises(DataUnavailable, match=r"Row 1 .*no field 'page\.text'"):
        language_data("rolling", "bits_per_byte", "{text: page.text}", [*rows[:1], {"page": {}}])


def test_written_answers_are_compared_with_one_or_several_references():
    definition = dataclasses.replace(
        WRITING, fields={"id": "id", "target": "options"}, prompt=Prompt(template="{{ q }}", shots=1)
    )

    items = items_of(definition, ROWS, SHOTS)

    assert items.gold[1]["references"] == ["4", "5", "ü"]
    assert items.inputs[1]["text"].endswith("\n\n2+2")
    assert items.inputs[1]["text"].split("\n\n")[0].count(" ") == 1


def test_examples_may_show_more_than_the_answer_that_counts():
    fields = {"id": "id", "target": "answer", "example": "because {{ answer }}"}
    definition = dataclasses.replace(WRITING, fields=fields, prompt=Prompt(template="{{ q }}", shots=1))

    items = items_of(definition, ROWS[:1], SHOTS)

    assert "because 0" in items.inputs[0]["text"]
    assert items.gold[0]["references"] == ["1"]


def test_running_text_is_counted_in_bytes_and_words():
    items = items_of(RUNNING, [{"id": "a", "text": "zwei Wörter\n", "topic": "t"}])

    assert items.inputs == [{"id": "a", "text": "zwei Wörter\n"}]
    assert items.gold[0]["bytes"] == 13
    assert items.gold[0]["words"] == 3  # as lm_eval counts: the end of the line begins an empty one


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"answer": 2}, "none of its 2 choices"),
        ({"answer": "3"}, "none of its 2 choices"),
        ({"answer": None}, "none of its 2 choices"),
        ({"options": ["one"]}, "no list of 2 to"),
        ({"options": ["one", ""]}, "no list of 2 to"),
        ({"options": "12"}, "no list of 2 to"),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_its_number(row, said):
    with pytest.raises(DataUnavailable, match=f"Row 1 .*{said}"):
        items_of(choice(), [ROWS[0], ROWS[0] | row])


@pytest.mark.parametrize("row", [{"answer": None}, {"answer": [None]}, {"q": None}])
def test_nothing_is_no_text_called_none(row):
    rows = [{"q": "1+1", "answer": "2"}, {"q": "1+2", "answer": "3"} | row]

    with pytest.raises(DataUnavailable, match=r"Row 1 .*empty \(null\)"):
        language_data("generate", "exact_match", "{text: q, target: answer}", rows, "generation: {max_new_tokens: 4}")


def test_a_field_that_the_data_lacks_is_named():
    with pytest.raises(DataUnavailable, match="'nothing'"):
        items_of(choice(template="{{ nothing }}"), ROWS)
    with pytest.raises(DataUnavailable, match=r"no field 'topic\.name'"):
        items_of(dataclasses.replace(choice(), fields=CHOICE.fields | {"group": "topic.name"}), ROWS)


def test_more_examples_than_the_data_has_are_refused():
    with pytest.raises(DataUnavailable, match="6 examples are asked for"):
        items_of(choice(shots=6), ROWS, SHOTS)


@pytest.mark.parametrize(
    ("change", "path", "said"),
    [
        (('template: "{{ before }}"', 'template: "{{ before"'), "prompt.template", "line 1"),
        (('template: "{{ before }}"', 'template: "{{ before.__class__ }}"'), "prompt.template", "no field of data"),
        (("choices: choices,", ""), "prompt.choices", "its choices"),
        (("choices: choices,", 'choices: ["{{ a|attr(1) }}", b],'), "prompt.choices[0]", "attr"),
        (("target: answer", 'target: "{% for %}"'), "fields.target", "template"),
        (("target: answer,", ""), "fields.target", "which choice is right"),
        (("choices: choices,", "choices: choices, shots: 3,"), "dataset.fewshot_split", "name it"),
        (("choices: choices,", "choices: choices, shots: 300,"), "prompt.shots", "0 to 100"),
        (("request: loglikelihood", "request: loglikelihood\nfilters: [strip]"), "filters", "writes"),
    ],
)
def test_a_mistake_in_a_prompt_is_named_by_its_path(change, path, said):
    text = (FOLDER / "manual-next-sentence.yaml").read_text(encoding="utf-8")
    assert change[0] in text

    with pytest.raises(BadDefinition) as refused:
        load_definition(text.replace(*change))

    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("filters", "path", "said"),
    [
        ("[tidy]", "filters[0]", "known: strip"),
        ("[strip, {name: regex}]", "filters[1]", "takes a pattern"),
        ('[{name: strip, pattern: "x"}]', "filters[0]", "no other filter"),
        ('[{name: regex, pattern: "("}]', "filters[0]", "not a regular expression"),
        ('[{name: regex, pattern: "x"}]', "filters[0]", "0 groups"),
        ('[{name: regex, pattern: "(a+)+$", group: 0}]', "filters[0]", "too long"),
        ('[{name: regex, pattern: "x", colour: red}]', "filters[0].colour", "unknown key"),
    ],
)
def test_a_mistake_in_a_filter_is_named_by_its_path(filters, path, said):
    text = (FOLDER / "manual-last-word.yaml").read_text(encoding="utf-8")
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("filters"))

    with pytest.raises(BadDefinition) as refused:
        load_definition(f"{kept}\nfilters: {filters}\n")

    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message


def test_nothing_of_a_test_topic_is_an_example_or_a_training_text():
    from evaluation.benchmarks import readers
    from evaluation.benchmarks.sources.manual_language import records

    for definition in (CHOICE, WRITING, RUNNING):
        test, train = ({row["topic"] for row in records(definition, split)} for split in ("test", "train"))
        assert len(test) > 10
        assert test.isdisjoint(train)
    learnt = "\n".join(readers.manual_train())
    sentences = [" ".join(row["choices"][row["answer"]].split()) for row in records(CHOICE, "test")]
    flat = " ".join(learnt.split())
    assert sum(sentence in flat for sentence in sentences) / len(sentences) < 0.03  # stock phrases of the manual
