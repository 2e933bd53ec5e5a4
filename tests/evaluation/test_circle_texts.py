"""The circle with real processes for tasks of texts: the score is the one that the same answers give here."""

import json

import pytest
import transformers

from evaluation.benchmarks import readers
from evaluation.benchmarks.sources.django_catalogues import translation_pairs
from tests.evaluation import circles
from tests.evaluation.circles import DEFINITIONS
from tests.evaluation.runner import text_families as families
from tests.evaluation.test_circle import Circle
from tests.processes import Hub

pytestmark = pytest.mark.slow


def save_tagger(folder):
    names = families.labels(DEFINITIONS["python-tokens"].label_names)
    return families.save(folder, "roberta", transformers.AutoModelForTokenClassification, **names)


def save_translator(folder):
    pairs = [(source, target) for _, source, target in translation_pairs("en", "de", test=False)]
    learnt = [pair for pair in pairs if max(map(len, pair)) < 50]
    return families.save_marian(folder, learnt[:20], steps=60)


MODELS = {
    "python-tokens": ("token-classification", save_tagger),
    "manual-gaps": (
        "question-answering",
        lambda folder: families.save(folder, "xlnet", transformers.AutoModelForQuestionAnswering),
    ),
    "manual-masks": ("fill-mask", lambda folder: families.save(folder, "bert", transformers.AutoModelForMaskedLM)),
    "docstrings": ("summarization", families.save_t5),
    "translation-en-de": ("translation", save_translator),
}


@pytest.fixture(scope="module")
def circle():
    with Hub.started("texts", AUTO_EVALUATE="0") as hub:
        circle = Circle(hub)
        yield circle
        circle.http.close()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_from_upload_to_score(name, circle, tmp_path):
    folder, run = circles.from_upload_to_score(circle, name, *MODELS[name], tmp_path / name)

    scores = circles.scored_here(DEFINITIONS[name], folder, tmp_path / "again")
    expected = {(one.metric, one.slice): one for one in scores}
    primary = run["scores"][0]
    assert (primary["metric"], primary["n"]) == (
        DEFINITIONS[name].primary.name,
        len(readers.read(DEFINITIONS[name]).gold),
    )
    found = {(one["metric"], one.get("slice", "")): one for one in run["scores"] + run["slices"]}
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key]["value"] == pytest.approx(value.value, rel=1e-5, abs=1e-9), key
        assert found[key]["low"] <= found[key]["value"] <= found[key]["high"]
    record = json.loads(circle.http.get(f"/api/v1/runs/{run['id']}/record").json()["body"])
    assert record["result"]["scores"][0]["signature"] == expected[DEFINITIONS[name].primary.name, ""].signature != ""
