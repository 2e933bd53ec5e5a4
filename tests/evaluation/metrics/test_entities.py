"""Entities and words: equal to seqeval in its strict mode, with the cases where lenient counting differs."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
from seqeval import metrics as reference
from seqeval.scheme import IOB2

from evaluation.benchmarks.definitions import builtin_definitions, load_definition
from evaluation.errors import BadDefinition, BadOutput
from evaluation.metrics.formulas.entities import entities, is_iob2
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score

TOKENS = next(definition for definition in builtin_definitions() if definition.id == "python-tokens")
NAMES = TOKENS.label_names
CLOSE = {"abs": 1e-9}


def labelled(seed, count=120):
    """Random truth, and answers that are right three times out of four."""
    random = np.random.default_rng(seed)
    truth = [[str(name) for name in random.choice(NAMES, random.integers(1, 15))] for _ in range(count)]
    answers = [[name if random.random() < 0.75 else str(random.choice(NAMES)) for name in row] for row in truth]
    return truth, answers


def scored(truth, answers, folder, definition=TOKENS):
    gold = [{"id": str(number), "labels": row} for number, row in enumerate(truth)]
    lines = [json.dumps({"id": str(number), "labels": row}) for number, row in enumerate(answers)]
    (folder / "predictions.jsonl").write_text("\n".join(lines))
    quick = dataclasses.replace(definition, uncertainty=dataclasses.replace(definition.uncertainty, resamples=100))
    return {(value.metric, value.slice): value for value in score(quick, gold, read_predictions(quick, folder))}


def strict(truth, answers):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reference.classification_report(
            truth, answers, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )


@pytest.mark.parametrize("seed", range(4))
def test_scores_equal_seqevals_strict_iob2(seed, tmp_path):
    truth, answers = labelled(seed)

    found = scored(truth, answers, tmp_path)

    expected = strict(truth, answers)
    assert found["entity_f1", ""].value == pytest.approx(expected["micro avg"]["f1-score"], **CLOSE)
    assert found["entity_precision", ""].value == pytest.approx(expected["micro avg"]["precision"], **CLOSE)
    assert found["entity_recall", ""].value == pytest.approx(expected["micro avg"]["recall"], **CLOSE)
    assert found["entity_macro_f1", ""].value == pytest.approx(expected["macro avg"]["f1-score"], **CLOSE)
    assert found["token_accuracy", ""].value == pytest.approx(reference.accuracy_score(truth, answers), **CLOSE)
    for kind in ("STRING", "COMMENT", "NUMBER", "KEYWORD"):
        assert found["entity_f1", f"type:{kind}"].value == pytest.approx(expected[kind]["f1-score"], **CLOSE)
        assert found["entity_recall", f"type:{kind}"].value == pytest.approx(expected[kind]["recall"], **CLOSE)
    assert all(value.low <= value.value <= value.high for value in found.values())
    assert found["entity_f1", ""].method == "bootstrap"
    assert found["entity_f1", ""].signature == "mode:strict|scheme:IOB2|first token"


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ("B-A I-A O", {(0, 2, "A")}),
        ("B-A B-A", {(0, 1, "A"), (1, 2, "A")}),
        ("I-A I-A O", set()),  # seqeval's lenient mode finds one
        ("B-A I-B", {(0, 1, "A")}),  # lenient: two
        ("B-A I-A I-B O B-B", {(0, 2, "A"), (4, 5, "B")}),
        ("O O", set()),
        ("", set()),
    ],
)
def test_only_what_is_marked_from_its_beginning_is_an_entity(answers, found):
    assert entities(answers.split()) == found


def test_lenient_counting_would_have_given_more(tmp_path):
    truth, answers = labelled(9)

    assert scored(truth, answers, tmp_path)["entity_f1", ""].value < reference.f1_score(truth, answers)


def test_parts_of_speech_have_no_entities():
    assert is_iob2(["O", "B-PER", "I-PER", "B-LOC"])
    assert not is_iob2(["NOUN", "VERB"])
    assert not is_iob2(["O", "I-PER"])
    text = """
        {id: x, version: 1, title: x, task: token-classification, tasks: [token-classification],
         dataset: {repo: "builtin:x", revision: x}, request: token-classify, labels: {0: NOUN, 1: VERB},
         metrics: [{name: METRIC, primary: true}]}"""

    assert load_definition(text.replace("METRIC", "token_accuracy")).primary.name == "token_accuracy"
    with pytest.raises(BadDefinition, match="IOB2"):
        load_definition(text.replace("METRIC", "entity_f1"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"id": "0"}, "no id or no labels"),
        ({"id": 0, "labels": ["O"]}, "no id or no labels"),
        ({"id": "0", "labels": ["B-PERSON"]}, "does not know"),
        ({"id": "0", "labels": [["O"]]}, "does not know"),
        ({"id": "0", "labels": ["O", "O"]}, "has 1 words, and the run labelled 2"),
    ],
)
def test_bad_labels_are_refused_with_a_sentence(line, said, tmp_path):
    (tmp_path / "predictions.jsonl").write_text(json.dumps(line) + "\n")

    with pytest.raises(BadOutput, match=said):
        score(TOKENS, [{"id": "0", "labels": ["O"]}], read_predictions(TOKENS, tmp_path))
