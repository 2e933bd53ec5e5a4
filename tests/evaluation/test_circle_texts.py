"""The circle with real processes for tasks of texts: the score is the one that the same answers give here."""

import dataclasses
import json

import pytest
import torch
import transformers

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions, run_spec
from evaluation.benchmarks.sources.django_catalogues import translation_pairs
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.__main__ import main
from tests.evaluation.runner import text_families as families
from tests.evaluation.test_circle import Circle
from tests.processes import Hub

pytestmark = pytest.mark.slow

DEFINITIONS = {definition.id: definition for definition in builtin_definitions()}


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


def scored_here(definition, folder, place):
    """All scores by the same runner in this process, on items of other names and in another order."""
    made = readers.materialise(definition, run_seed="independent", directory=place)
    run = run_spec(definition) | {
        "run_id": "1", "model_dir": str(folder), "inputs": str(place / "inputs.jsonl"), "output": "run",
    }  # fmt: skip
    (place / "spec.json").write_text(json.dumps({"protocol": 1, "device": "cpu", "runs": [run]}))
    assert main(["--spec", str(place / "spec.json"), "--output", str(place / "out")]) == 0
    few = dataclasses.replace(definition, uncertainty=dataclasses.replace(definition.uncertainty, resamples=100))
    return {(v.metric, v.slice): v for v in score(few, made.gold, read_predictions(few, place / "out" / "run"))}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_from_upload_to_score(name, circle, tmp_path):
    torch.set_num_threads(1)
    tag, build = MODELS[name]
    folder = build(tmp_path / name)
    (folder / "README.md").write_text(f"---\npipeline_tag: {tag}\nlicense: mit\n---\n# A tiny model\n")
    circle.upload(name, folder)

    run = circle.wait(circle.ask(name, benchmark=name))

    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    expected = scored_here(DEFINITIONS[name], folder, tmp_path / "again")
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
