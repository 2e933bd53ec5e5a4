"""The circle with real processes on a team's own data: fifty rows, a definition, a model, a score nobody else sees."""

import json

import httpx
import pytest
import torch
import transformers

from evaluation.benchmarks.definitions import load_definition
from evaluation.benchmarks.items import Items
from evaluation.benchmarks.perturbing import Perturber
from tests.evaluation.runner import models
from tests.evaluation.test_circle import Circle
from tests.processes import Hub

pytestmark = pytest.mark.slow

OFFER = [("cheap prizes, call now", "spam"), ("the meeting is at noon", "ham")]
LETTERS = "text,label\n" + "".join(
    f'"{text} {number}",{label}\n' for number in range(25) for text, label in OFFER
)  # fmt: skip
FIFTY = "text,label\n" + "".join(f"sample {number},{'spam' if number % 3 else 'ham'}\n" for number in range(50))
SPAM = 33  # of the fifty
COST = """efficiency:
  {scenarios: [single_stream, offline], warmup: 2, min_iterations: 20, min_seconds: 0.1, max_seconds: 60}
"""


@pytest.fixture(scope="module")
def circle():
    with Hub.started("team", AUTO_EVALUATE="0") as hub:
        circle = Circle(hub)
        yield circle
        circle.http.close()


def save_believer(folder):
    """A model that calls everything spam: its accuracy is the share of spam."""
    torch.set_num_threads(1)
    models.save_text_classifier(folder, ["ham", "spam"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 2.0]))
    model.save_pretrained(folder)
    (folder / "README.md").write_text(
        "---\npipeline_tag: text-classification\nlicense: mit\n---\n# Believes all is spam\n"
    )
    return folder


def check_cost(circle, run):
    """What the sandboxed runner measured stands in the API and in the signed record."""
    cost = circle.http.get("/api/v1/models/ann/believer/efficiency").json()["results"][0]
    figures = {figure["name"]: figure for figure in cost["figures"]}
    values = {name: figure["value"] for name, figure in figures.items()}
    assert (cost["run"], cost["node"], cost["protocol"]) == (run["id"], "machine", 1)
    assert cost["hardware_class"].endswith(" · float32 · native")
    assert 0 < values["latency_p50_ms"] <= values["latency_p90_ms"] <= values["latency_p95_ms"]
    assert values["parameters"] == circle.http.get("/api/v1/models/ann/believer").json()["parameters"]
    assert values["flops"] > 0
    assert values["load_seconds"] > 0
    assert values["items_per_second"] > 0
    assert values["peak_rss_bytes"] > 50_000_000
    assert values["fit_estimate_bytes"] > 1_100_000_000
    assert values["fit_error"] is not None
    assert values["energy_joules_per_item"] is None
    assert figures["energy_joules_per_item"]["reason"]
    body = json.loads(circle.http.get(f"/api/v1/runs/{run['id']}/record").json()["body"])
    signed = {figure["name"]: figure["value"] for figure in body["efficiency"]["figures"]}
    assert signed == values


def test_from_fifty_rows_to_a_score_of_the_team_alone(circle, tmp_path):
    sent = {"namespace": "ann", "name": "spam", "task": "text-classification"}
    data = circle.http.post("/api/v1/benchmark-datasets", data=sent, files={"file": ("spam.csv", FIFTY)}).json()
    definition = f"{data['definition']}\n{COST}"
    made = circle.http.post("/api/v1/benchmarks", json={"namespace": "ann", "definition": definition})
    assert made.status_code == 201, made.text
    slug = made.json()["id"]
    circle.upload("believer", save_believer(tmp_path / "believer"))

    run = circle.wait(circle.ask("believer", benchmark=slug))

    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    primary = run["scores"][0]
    assert (primary["metric"], primary["n"], primary["value"]) == ("accuracy", 50, SPAM / 50)
    check_cost(circle, run)
    board = circle.http.get(f"/api/v1/leaderboards/{slug}").json()
    assert [row["model"] for row in board["results"]] == ["ann/believer"]
    with httpx.Client(base_url=circle.hub.url, timeout=30) as stranger:
        assert stranger.get("/api/v1/models/ann/believer").status_code == 200
        assert stranger.get(f"/api/v1/runs/{run['id']}").status_code == 404
        assert stranger.get(f"/api/v1/leaderboards/{slug}").status_code == 404
        assert stranger.get("/api/v1/models/ann/believer/scores").json()["results"] == []


def save_reader(folder):
    """A model that has learnt to tell the two kinds of letters apart, by their words."""
    torch.set_num_threads(1)
    models.save_text_classifier(folder, ["ham", "spam"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    given = tokenizer([text for text, _ in OFFER], padding=True, return_tensors="pt")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(40):
        loss = model(**given, labels=torch.tensor([1, 0])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    (folder / "README.md").write_text("---\npipeline_tag: text-classification\nlicense: mit\n---\n# Reads letters\n")
    return folder


def share_right(folder, texts, labels):
    """Counted here, one text at a time."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        said = [int(model(**tokenizer(text, return_tensors="pt")).logits.argmax()) for text in texts]
    return sum(["ham", "spam"][one] == label for one, label in zip(said, labels, strict=True)) / len(labels)


def test_perturbed_copies_are_asked_in_the_sandbox_and_judged_apart(circle, tmp_path):
    sent = {"namespace": "ann", "name": "letters", "task": "text-classification"}
    data = circle.http.post("/api/v1/benchmark-datasets", data=sent, files={"file": ("letters.csv", LETTERS)}).json()
    text = data["definition"] + "\nperturbations: [{name: typos, seed: 2, p: 0.3}, {name: casing, seed: 2}]\n"
    made = circle.http.post("/api/v1/benchmarks", json={"namespace": "ann", "definition": text})
    assert made.status_code == 201, made.text
    folder = save_reader(tmp_path / "reader")
    circle.upload("reader", folder)

    run = circle.wait(circle.ask("reader", benchmark=made.json()["id"]))

    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    definition = load_definition(text)
    asked = [(f"{words} {number}", label) for number in range(25) for words, label in OFFER]
    items = Items([{"id": str(at), "text": words} for at, (words, _) in enumerate(asked)], [])
    labels = [label for _, label in asked]
    copies = [row["text"] for row in Perturber(definition, made.json()["definition_hash"]).copies(items)]
    assert run["scores"][0]["value"] == share_right(folder, [words for words, _ in asked], labels) == 1
    assert run["scores"][0]["n"] == 50
    found = {row["slice"]: row["value"] for row in run["slices"] if row["metric"] == "accuracy"}
    expected = [share_right(folder, copies[at : at + 50], labels) for at in (0, 50)]
    assert [found["perturbed:typos"], found["perturbed:casing"]] == pytest.approx(expected, abs=1e-12)
    assert min(expected) < 1
    drops = {row["slice"]: row["value"] for row in run["derived"] if row["metric"] == "accuracy_drop"}
    assert drops["perturbed:typos"] == pytest.approx(1 - expected[0], abs=1e-12)
