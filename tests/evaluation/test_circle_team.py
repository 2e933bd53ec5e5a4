"""The circle with real processes on a team's own data: fifty rows, a definition, a model, a score nobody else sees."""

import httpx
import pytest
import torch
import transformers

from tests.evaluation.runner import models
from tests.evaluation.test_circle import Circle
from tests.processes import Hub

pytestmark = pytest.mark.slow

FIFTY = "text,label\n" + "".join(f"sample {number},{'spam' if number % 3 else 'ham'}\n" for number in range(50))
SPAM = 33  # of the fifty


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


def test_from_fifty_rows_to_a_score_of_the_team_alone(circle, tmp_path):
    sent = {"namespace": "ann", "name": "spam", "task": "text-classification"}
    data = circle.http.post("/api/v1/benchmark-datasets", data=sent, files={"file": ("spam.csv", FIFTY)}).json()
    made = circle.http.post("/api/v1/benchmarks", json={"namespace": "ann", "definition": data["definition"]})
    assert made.status_code == 201, made.text
    slug = made.json()["id"]
    circle.upload("believer", save_believer(tmp_path / "believer"))

    run = circle.wait(circle.ask("believer", benchmark=slug))

    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    primary = run["scores"][0]
    assert (primary["metric"], primary["n"], primary["value"]) == ("accuracy", 50, SPAM / 50)
    board = circle.http.get(f"/api/v1/leaderboards/{slug}").json()
    assert [row["model"] for row in board["results"]] == ["ann/believer"]
    with httpx.Client(base_url=circle.hub.url, timeout=30) as stranger:
        assert stranger.get("/api/v1/models/ann/believer").status_code == 200
        assert stranger.get(f"/api/v1/runs/{run['id']}").status_code == 404
        assert stranger.get(f"/api/v1/leaderboards/{slug}").status_code == 404
        assert stranger.get("/api/v1/models/ann/believer/scores").json()["results"] == []
