"""Readers: real data, split honestly, handed out without its answers."""

import dataclasses
import io
import json
import subprocess
import sys
import tarfile

import pytest
from PIL import Image

from evaluation.benchmarks import corpora, readers
from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.benchmarks.schema import Prompt, Subset
from evaluation.benchmarks.sources.django_catalogues import translation_pairs
from evaluation.benchmarks.sources.python_code import docstrings
from evaluation.benchmarks.sources.python_manual import openings_train
from evaluation.runner.spec import InputRow

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}


def written(name, tmp_path, seed="seed"):
    files = readers.materialise(DEFINITIONS[name], run_seed=seed, directory=tmp_path / seed)
    lines = (tmp_path / seed / "inputs.jsonl").read_text(encoding="utf-8").splitlines()
    return files, [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_inputs_carry_no_gold_and_every_input_has_one_gold_row(name, tmp_path):
    files, rows = written(name, tmp_path)

    allowed = {field.name for field in dataclasses.fields(InputRow)}
    assert all(set(row) <= allowed for row in rows)
    assert [row["id"] for row in rows] == [row["id"] for row in files.gold]
    assert files.rows == len(rows) >= 100


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_each_run_has_its_own_ids_and_order_but_the_same_digest(name, tmp_path):
    first, first_rows = written(name, tmp_path, "one")
    second, second_rows = written(name, tmp_path, "two")
    again, again_rows = written(name, tmp_path / "again", "one")

    assert {row["id"] for row in first_rows}.isdisjoint(row["id"] for row in second_rows)
    assert first.digest == second.digest == again.digest
    assert first_rows == again_rows
    assert first.files == again.files


def test_bitext_order_does_not_carry_the_answer(tmp_path):
    files, rows = written("bitext", tmp_path)
    place = {row["id"]: number for number, row in enumerate(rows)}

    neighbours = 0
    queries = [row for row in files.gold if "targets" in row]
    for row in queries:
        neighbours += abs(place[row["targets"]["en-pl"][0]] - place[row["id"]]) <= 1

    assert len(queries) > 200
    assert neighbours < 10


def test_bitext_targets_are_the_real_translations(tmp_path):
    files, rows = written("bitext", tmp_path)
    texts = {row["id"]: row["text"] for row in rows}

    pairs = {
        texts[row["id"]]: {pool: texts[keys[0]] for pool, keys in row["targets"].items()}
        for row in files.gold
        if "targets" in row
    }

    assert pairs["This password is too common."] == {
        "en-pl": "To hasło jest zbyt powszechne.",
        "en-de": "Dieses Passwort ist zu üblich.",
        "en-zh": "这个密码太常见了。",
    }


def test_language_trainers_never_see_a_message_or_a_text_of_the_test_split():
    test = corpora.labelled_sentences(DEFINITIONS["langid"].label_names, test=True)
    train = corpora.labelled_sentences(DEFINITIONS["langid"].label_names, test=False)

    assert {sentence.message for sentence in test}.isdisjoint(sentence.message for sentence in train)
    assert {sentence.text.casefold() for sentence in test}.isdisjoint(
        text.casefold() for text, _ in readers.langid_train()
    )
    assert {label for _, label in readers.langid_train()} == set(DEFINITIONS["langid"].label_names)
    assert min(len(train), len(test)) > 3000


def test_digit_trainers_see_other_images_that_look_alike(tmp_path):
    files, rows = written("digits", tmp_path)
    with tarfile.open(files.directory / "media.tar") as archive:
        test = {archive.extractfile(row["image"]).read() for row in rows}
    train = {png for png, _ in readers.digits_train()}

    assert not test & train
    assert len(train) + len(test) == 1797
    sizes = {Image.open(io.BytesIO(png)).size for png in test | train}
    assert sizes == {(32, 32)}


def test_a_stratified_subset_keeps_the_share_of_each_label():
    digits = DEFINITIONS["digits"]
    subset = Subset(n=100, seed=3, stratify="label")
    chosen = readers.read(dataclasses.replace(digits, dataset=dataclasses.replace(digits.dataset, subset=subset)))

    labels = [row["label"] for row in chosen.gold]

    assert len(labels) == len(chosen.inputs) == 100
    assert {labels.count(str(digit)) for digit in range(10)} <= {7, 8, 9, 10, 11, 12}


def test_a_subset_is_drawn_by_its_seed():
    digits = DEFINITIONS["digits"]

    def drawn(seed):
        dataset = dataclasses.replace(digits.dataset, subset=Subset(n=50, seed=seed))
        return {row["id"] for row in readers.read(dataclasses.replace(digits, dataset=dataset)).inputs}

    assert len(drawn(1)) == 50
    assert drawn(1) != drawn(2)


def test_a_template_puts_a_prefix_before_what_is_translated():
    plain = DEFINITIONS["translation-en-de"]
    prefixed = dataclasses.replace(plain, prompt=Prompt(template="translate English to German: {{ text }}"))

    texts = [row["text"] for row in readers.read(plain).inputs]

    assert [row["text"] for row in readers.read(prefixed).inputs] == [
        f"translate English to German: {t}" for t in texts
    ]
    assert readers.read(prefixed).gold == readers.read(plain).gold


def test_code_is_labelled_by_its_own_tokens():
    found = readers.read(DEFINITIONS["python-tokens"])
    rows = dict(zip((tuple(row["words"]) for row in found.inputs), found.gold, strict=True))
    words, labels = next((words, row["labels"]) for words, row in rows.items() if "B-COMMENT" in row["labels"])

    assert all(len(row["words"]) == len(gold["labels"]) for row, gold in zip(found.inputs, found.gold, strict=True))
    assert words[labels.index("B-COMMENT")] == "#"
    marked = {label for row in found.gold for label in row["labels"]}
    assert marked >= {"O", "B-STRING", "I-STRING", "B-COMMENT", "I-COMMENT", "B-NUMBER", "B-KEYWORD"}
    assert marked <= set(DEFINITIONS["python-tokens"].label_names)


def test_a_third_of_the_gaps_cannot_be_filled_from_their_paragraph():
    found = readers.read(DEFINITIONS["manual-gaps"])

    for row, gold in zip(found.inputs, found.gold, strict=True):
        assert "___" in row["pair"]
        assert all(answer in row["text"] for answer in gold["answers"])
    share = sum(not gold["answers"] for gold in found.gold) / len(found.gold)
    assert share == pytest.approx(1 / 3, abs=0.01)


def test_trainers_of_translations_docstrings_and_masks_see_other_items():
    test = {message for message, _, _ in translation_pairs("en", "de", test=True)}
    assert test.isdisjoint(message for message, _, _ in translation_pairs("en", "de", test=False))
    modules = {item.name.partition(":")[0] for item in docstrings(test=True)}
    assert modules.isdisjoint(item.name.partition(":")[0] for item in docstrings(test=False))
    asked = {row["text"] for row in readers.read(DEFINITIONS["manual-masks"]).inputs}
    assert asked.isdisjoint(openings_train())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expect_rows": 600}, "599 rows here; 600 are expected"),
        ({"revision": "scikit-learn==0.1"}, "needs the data of scikit-learn 0.1"),
        ({"repo": "builtin:nothing"}, "no reader"),
    ],
)
def test_other_data_than_the_definition_names_is_refused(change, said):
    digits = DEFINITIONS["digits"]
    changed = dataclasses.replace(digits, dataset=dataclasses.replace(digits.dataset, **change))

    with pytest.raises(readers.DataUnavailable, match=said):
        readers.read(changed)


def test_reading_imports_neither_torch_nor_django():
    program = (
        "import sys; from evaluation.benchmarks import readers, definitions\n"
        "[readers.read(definition) for definition in definitions.builtin_definitions()]\n"
        "print([name for name in ('torch', 'transformers', 'django', 'sklearn') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
