"""Perturbed copies: the same in every process, apart from their items, and only where the truth stays the truth."""

import dataclasses
import io
import json
import random
import subprocess
import sys
import tarfile

import numpy as np
import pytest
from PIL import Image

from evaluation.benchmarks import readers
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.definitions import builtin_definitions, definition_hash, load_definition
from evaluation.benchmarks.items import Items, Located
from evaluation.benchmarks.perturbing import KINDS, Perturber, copy_id, kinds_for
from evaluation.benchmarks.perturbing.texts import contractions, gender_terms, misspellings
from evaluation.benchmarks.schema import Perturbation, Slice
from evaluation.benchmarks.writing import to_yaml
from evaluation.errors import BadDefinition

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}
LANGID, DIGITS, DTMF = (DEFINITIONS[name] for name in ("langid", "digits", "dtmf"))
TEXT = "She said: it is not far, because he and his brother don't believe that their friends are there."


def using(definition, *names, **changes):
    uses = tuple(name if isinstance(name, Perturbation) else Perturbation(name=name, seed=3) for name in names)
    return dataclasses.replace(definition, perturbations=uses, **changes)


def copies_of(definition, **row):
    items = Items(inputs=[{"id": str(number), **row} for number in range(20)], gold=[])
    return list(Perturber(definition, definition_hash(definition)).copies(items))


@pytest.mark.parametrize("name", sorted(name for (column, name) in KINDS if column == "text"))
def test_every_change_of_a_text_changes_this_one_and_says_what_it_does(name):
    definition = using(LANGID, name)

    texts = {row["text"] for row in copies_of(definition, text=TEXT)}

    assert TEXT not in texts or len(texts) > 1
    assert all(text.split() for text in texts)
    assert kinds_for("classify")[name].description.endswith(".")


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("He saw her.", "She saw him."),
        ("Her brother and HIS father", "His sister and HER mother"),
        ("The woman met the KING", "The man met the QUEEN"),
        ("There is no such word.", "There is no such word."),
    ],
)
def test_terms_change_places_in_the_case_they_had(text, swapped):
    assert gender_terms(text, random.Random(0), 1.0) == swapped


@pytest.mark.parametrize("change", [gender_terms, misspellings, contractions])
def test_letters_that_are_the_same_but_for_their_case_elsewhere_make_no_word_of_the_list(change):
    text = "h\u0131s h\u0130m: we \u017faid it \u0130s w\u0131th"

    assert change(text, random.Random(0), 1.0) == text


def test_copies_depend_on_definition_item_name_and_seed_alone():
    definition = using(LANGID, "typos")
    first, second = copies_of(definition, text=TEXT), copies_of(definition, text=TEXT)
    other_seed = copies_of(using(LANGID, Perturbation(name="typos", seed=4)), text=TEXT)
    other_version = copies_of(dataclasses.replace(definition, version=9), text=TEXT)

    assert first == second
    assert len({row["text"] for row in first}) > 10  # each item in its own way
    assert [row["text"] for row in first] != [row["text"] for row in other_seed]
    assert [row["text"] for row in first] != [row["text"] for row in other_version]


def test_another_process_makes_the_same_copies():
    program = (
        "import dataclasses, json\n"
        "from tests.evaluation.benchmarks.test_perturbing import *\n"
        "print(json.dumps([row['text'] for row in copies_of(using(LANGID, 'typos', 'casing'), text=TEXT)]))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [row["text"] for row in copies_of(using(LANGID, "typos", "casing"), text=TEXT)]


def test_words_stay_as_many_as_their_labels():
    definition = using(DEFINITIONS["python-tokens"], Perturbation(name="typos", seed=1, p=1.0))

    for row in copies_of(definition, words=["a", "not", "==", "receive", "I"]):
        assert len(row["words"]) == 5
        assert all(word and not word.isspace() for word in row["words"])


def test_copies_stand_beside_the_items_under_names_of_their_own(tmp_path):
    definition = using(LANGID, "typos", "spaces")
    made = readers.materialise(definition, run_seed="s", directory=tmp_path / "with")
    plain = readers.materialise(LANGID, run_seed="s", directory=tmp_path / "without")

    rows = {row["id"]: row for row in map(json.loads, (tmp_path / "with" / "inputs.jsonl").read_text().splitlines())}
    own = {row["id"]: row for row in map(json.loads, (tmp_path / "without" / "inputs.jsonl").read_text().splitlines())}
    assert len(rows) == 3 * len(own)
    assert {key: row for key, row in rows.items() if not row.get("perturbed")} == own
    assert made.gold == plain.gold
    assert made.rows == plain.rows == len(own)
    items = readers.read(definition)
    names = readers.opaque_names(items, "s", also=[copy_id(row["id"], "typos") for row in items.inputs])
    first = items.inputs[0]
    copy = rows[names[copy_id(first["id"], "typos")]]
    assert copy["perturbed"] is True
    perturber = Perturber(definition, definition_hash(definition))
    assert copy["text"] == perturber.copy(first, definition.perturbations[0])["text"]
    changed = perturber.changes(items)
    assert 0.5 * len(own) < changed["typos"] < len(own)
    assert "\0" not in json.dumps(list(rows))


def test_images_are_written_anew_and_look_it(tmp_path):
    names = ("noise", "blur", "brightness", "jpeg")
    readers.materialise(using(DIGITS, *names), run_seed="s", directory=tmp_path)

    items = readers.read(DIGITS)
    key = items.inputs[0]["id"]
    opaque = readers.opaque_names(items, "s", also=[copy_id(key, name) for name in names])
    with tarfile.open(tmp_path / "media.tar") as archive:
        assert len(archive.getnames()) == 5 * len(items.inputs)
        original = pixels(archive.extractfile(f"{opaque[key]}.png").read())
        for name in names:
            changed = pixels(archive.extractfile(f"{opaque[copy_id(key, name)]}.png").read())
            assert changed.shape == original.shape
            assert 0 < np.abs(changed - original).mean() < 120, name


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)), dtype=float)


def test_noise_on_a_sound_is_as_loud_as_it_says():
    from scipy.io import wavfile

    sound = readers.read(DTMF).inputs[0]["audio"]
    (copy, *_rest) = copies_of(using(DTMF, Perturbation(name="noise", seed=1, p=0.1)), audio=sound)

    rate, before = wavfile.read(io.BytesIO(sound))
    same_rate, after = wavfile.read(io.BytesIO(copy["audio"]))
    assert rate == same_rate
    noise = after.astype(float) - before.astype(float) * 32767 / 32768
    assert 10 * np.log10((before.astype(float) ** 2).mean() / (noise**2).mean()) == pytest.approx(10, abs=0.3)


def test_media_that_are_read_later_are_changed_when_they_are_written(tmp_path, monkeypatch):
    image = readers.read(DIGITS).inputs[0]["image"]
    inputs = [{"id": str(number), "image": Located("a#0")} for number in range(2)]
    items = Items(inputs, [{"id": row["id"], "label": "0"} for row in inputs], media=lambda _ids: later(inputs, image))
    monkeypatch.setattr(readers, "read", lambda *_arguments: items)

    readers.materialise(using(DIGITS, "blur"), run_seed="s", directory=tmp_path)

    names = readers.opaque_names(items, "s", also=[copy_id("1", "blur")])
    with tarfile.open(tmp_path / "media.tar") as archive:
        assert len(archive.getnames()) == 4
        assert archive.extractfile(f"{names['1']}.png").read() == image
        assert not np.array_equal(
            pixels(archive.extractfile(f"{names[copy_id('1', 'blur')]}.png").read()), pixels(image)
        )


def later(rows, content):
    return ((row["id"], "image", content) for row in rows)


def test_what_is_no_image_stops_the_run_with_a_sentence():
    with pytest.raises(DataUnavailable, match="cannot be perturbed"):
        copies_of(using(DIGITS, "blur"), image=b"no image")


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (using(LANGID, "blur"), "does nothing to inputs of 'classify'; what does: casing"),
        (using(LANGID, "person_names"), "does nothing to inputs"),
        (using(LANGID, "misspellings"), "needs `languages` to name 'en'"),
        (using(LANGID, Perturbation(name="typos", seed=1, p=0.0)), "p is above 0"),
        (using(LANGID, "typos", "typos"), "listed twice"),
        (using(DEFINITIONS["python-tokens"], "spaces"), "what does: casing, gender_terms, misspellings, typos"),
        (using(DEFINITIONS["manual-gaps"], "typos"), "what does: none yet"),
        (using(DEFINITIONS["manual-next-sentence"], "typos"), "what does: none yet"),
        (using(LANGID, "typos", slices=(Slice(name="perturbed", by="label"),)), "is taken by the perturbations"),
    ],
)
def test_what_would_change_the_truth_or_means_nothing_is_refused(definition, said):
    with pytest.raises(BadDefinition, match=said):
        load_definition(to_yaml(definition))


def test_a_definition_with_perturbations_is_read_as_it_was_written():
    definition = using(LANGID, "typos", Perturbation(name="gender_terms", seed=1, role="fairness"), languages=("en",))

    assert load_definition(to_yaml(definition)) == definition
