"""Pairs of texts, items with several labels, and the families that text classification loads."""

import json

import pytest
import torch
import transformers

from tests.evaluation.runner import text_families as families
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of

NAMES = DEFINITIONS["langid"].label_names
TEXTS = ["The interpreter reads a file.", "No.", "Names refer to objects; " * 3]
PAIRS = ["A file is read.", "Yes, always.", "Objects have names."]


@pytest.fixture(scope="session", params=sorted(families.FAMILIES))
def classifier(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"classifier-{request.param}")
    auto = transformers.AutoModelForSequenceClassification
    return families.save(folder, request.param, auto, **families.labels(NAMES))


def written(path, pairs):
    rows = [
        {"id": f"{number}", "text": text} | ({"pair": PAIRS[number]} if pairs else {})
        for number, text in enumerate(TEXTS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def logits_of(folder, *texts):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    typed = model.config.model_type in {"bert", "xlnet"}
    given = tokenizer(*texts, truncation=True, max_length=64, return_tensors="pt", return_token_type_ids=typed)
    with torch.inference_mode():
        return model(**given).logits[0]


@pytest.mark.parametrize("pairs", [False, True])
def test_every_family_answers_as_one_item_at_a_time(pairs, bench, classifier, tmp_path):
    path = written(tmp_path / "in.jsonl", pairs)

    code, events = bench.run("langid", classifier, path)

    assert code == 0, events
    for number, found in enumerate(rows_of(bench.output / "predictions.jsonl")):
        texts = (TEXTS[number], PAIRS[number]) if pairs else (TEXTS[number],)
        assert found["probs"] == pytest.approx(logits_of(classifier, *texts).softmax(-1).tolist(), abs=1e-5)


def test_items_with_several_labels_get_a_probability_of_each_by_itself(bench, classifier, tmp_path):
    code, events = bench.run("langid", classifier, written(tmp_path / "in.jsonl", False), options={"multi_label": True})

    assert code == 0, events
    for number, found in enumerate(rows_of(bench.output / "predictions.jsonl")):
        assert set(found) == {"id", "probs"}
        assert found["probs"] == pytest.approx(logits_of(classifier, TEXTS[number]).sigmoid().tolist(), abs=1e-5)


def test_texts_that_are_cut_are_counted(bench, classifier, tmp_path):
    (tmp_path / "in.jsonl").write_text(
        "".join(json.dumps({"id": key, "text": "word " * count}) + "\n" for key, count in [("a", 3), ("b", 500)])
    )

    code, events = bench.run("langid", classifier, tmp_path / "in.jsonl")

    assert code == 0, events
    assert json.loads((bench.output / "measurements.json").read_text())["settings"]["inputs_cut"] == 1
