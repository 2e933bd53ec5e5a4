"""The circle with real processes for tasks of texts: the score is the one that the same answers give here."""

import json

import pytest
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as parts

from evaluation.benchmarks import readers
from evaluation.benchmarks.sources.django_catalogues import translation_pairs
from tests.evaluation import circles
from tests.evaluation.circles import DEFINITIONS
from tests.evaluation.runner import models
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


def save_sentence_encoder(folder):
    encoder = parts.Transformer(str(models.save_encoder(folder / "encoder")), max_seq_length=64)
    prompts = {"query": "ask: ", "document": "text: "}
    SentenceTransformer(modules=[encoder, parts.Pooling(48, pooling_mode="mean")], prompts=prompts, device="cpu").save(
        str(folder / "model")
    )
    return folder / "model"


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


@pytest.mark.timeout(900)  # mteb is started twice behind the runs
def test_what_mteb_judges_is_what_our_own_definition_says(circle, tmp_path):
    folder = save_sentence_encoder(tmp_path)
    (folder / "README.md").write_text(
        "---\npipeline_tag: sentence-similarity\nlanguage: en\nlicense: mit\n---\n# Embeds\n"
    )
    circle.upload("embeds", folder)
    runs = {name: circle.wait(circle.ask("embeds", name)) for name in ("retrieval-en", "manual-retrieval-mteb")}

    assert {run["state"] for run in runs.values()} == {"succeeded"}, f"{runs}\n{circle.hub.logs()}"
    ours, theirs = ({score["metric"]: score for score in run["scores"]} for run in runs.values())
    assert theirs["mteb_ndcg_at_10"]["value"] == pytest.approx(ours["ndcg@10"]["value"], abs=1e-6)
    assert theirs["mteb_recall_at_1"]["value"] == pytest.approx(ours["recall@1"]["value"], abs=1e-6)
    assert theirs["mteb_ndcg_at_10"]["n"] == ours["ndcg@10"]["n"] > 300
    assert theirs["mteb_ndcg_at_10"]["low"] < theirs["mteb_ndcg_at_10"]["value"] < theirs["mteb_ndcg_at_10"]["high"]
    record = circle.http.get(f"/api/v1/runs/{runs['manual-retrieval-mteb']['id']}/record").json()
    body = json.loads(record["body"])
    assert body["engine"]["backend"] == "mteb"
    assert body["result"]["scores"][0]["signature"].startswith("mteb 2.26.24, task ManualRetrieval")
