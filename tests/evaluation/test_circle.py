"""The circle with real processes: upload with `hf`, ask, a node claims, the runner answers, a worker scores."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
import transformers
from huggingface_hub import HfApi
from PIL import Image

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions
from tests.evaluation.runner import models
from tests.processes import Hub

HF = Path(sys.executable).with_name("hf")
ENDED = {"succeeded", "failed", "cancelled"}
SECONDS = 120


class Circle:
    """A site with web, worker and node, and one person who uses it."""

    def __init__(self, hub):
        self.hub = hub
        *_, self.token, node_token = hub.commands(
            ("sync_benchmarks",),
            ("create_user", "ann"),
            ("create_token", "ann", "--role", "write"),
            ("create_node", "machine"),
        )
        self.node_token = hub.home / "node-token"
        self.node_token.write_text(node_token)
        self.http = httpx.Client(base_url=hub.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        hub.start_worker()
        self.node = self.start_node()

    def start_node(self):
        command = ("manage.py", "node", "--embedded", "--hub", self.hub.url, "--token-file", str(self.node_token))
        return self.hub.start("node", *command, "--data-dir", str(self.hub.home / "node"))

    def upload(self, name, folder):
        own = {"HF_ENDPOINT": self.hub.url, "HF_TOKEN": self.token, "HF_HOME": f"{folder}-hf"}
        done = subprocess.run(
            [HF, "upload", f"ann/{name}", str(folder), "--quiet"],
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr + self.hub.logs()

    def ask(self, name, benchmark="digits"):
        answer = self.http.post(f"/api/v1/models/ann/{name}/runs", json={"benchmark": benchmark, "revision": "main"})
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()["id"]

    def items(self, run_id, limit):
        return self.http.get(f"/api/v1/runs/{run_id}/items", params={"limit": limit}).json()["results"]

    def wait(self, run_id, states=ENDED, seconds=SECONDS):
        until = time.monotonic() + seconds
        while (run := self.http.get(f"/api/v1/runs/{run_id}").json())["state"] not in states:
            assert time.monotonic() < until, f"{run}\n{self.hub.logs()}"
            time.sleep(0.2)
        return run


@pytest.fixture(scope="module")
def circle():
    with Hub.started("circle", AUTO_EVALUATE_DELAY_SECONDS="1") as hub:
        circle = Circle(hub)
        yield circle
        circle.http.close()


@pytest.fixture(scope="module")
def digit_reader(tmp_path_factory):
    torch.set_num_threads(1)
    folder = models.save_digit_reader(tmp_path_factory.mktemp("circle") / "digits", epochs=4)
    (folder / "README.md").write_text("---\npipeline_tag: image-classification\nlicense: mit\n---\n# Reads digits\n")
    return folder


def accuracy_of(folder, tmp_path):
    """Counted here, by other means than the runner's."""
    definition = next(one for one in builtin_definitions() if one.id == "digits")
    made = readers.materialise(definition, run_seed="independent", directory=tmp_path)
    subprocess.run(["tar", "xf", "media.tar"], cwd=tmp_path, check=True)
    truth = {row["id"]: row["label"] for row in made.gold}
    model = transformers.ViTForImageClassification.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    right = 0
    for key, label in truth.items():
        pixels = np.asarray(Image.open(tmp_path / f"{key}.png").convert("L"))[:, :, None]
        inputs = processor([pixels], return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            right += model.config.id2label[int(model(**inputs).logits.argmax())] == label
    return right / len(truth)


def test_from_upload_to_leaderboard(circle, digit_reader, tmp_path):
    circle.upload("digits", digit_reader)

    run = circle.wait(circle.ask("digits"))

    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    primary = run["scores"][0]
    assert (primary["metric"], primary["n"]) == ("accuracy", 599)
    assert primary["value"] == pytest.approx(accuracy_of(digit_reader, tmp_path), abs=1e-12)
    assert primary["value"] > 0.6
    assert primary["low"] < primary["value"] < primary["high"]
    row = circle.http.get("/api/v1/leaderboards/digits").json()["results"][0]
    assert (row["model"], row["run"], row["rank"]) == ("ann/digits", run["id"], "1")
    assert row["parameters"] > 1000
    stated = HfApi(circle.hub.url, circle.token).model_info("ann/digits", expand=["evalResults"]).eval_results
    assert [(one.task_id, one.value) for one in stated] == [("digits", primary["value"])]
    record = json.loads(circle.http.get(f"/api/v1/runs/{run['id']}/record").json()["body"])
    assert record["engine"]["measured"]["dtype"] == "float32"
    assert circle.ask("digits") == run["id"]


def test_what_answers_rest_on_comes_back_with_them(circle, digit_reader):
    circle.upload("digits", digit_reader)  # nothing new where it was uploaded before

    run = circle.wait(circle.ask("digits", benchmark="digits-attributions"))

    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    found = circle.http.get(f"/api/v1/runs/{run['id']}/attributions").json()["results"]
    assert [(one["reason"], one["method"]) for one in found] == [("", "integrated-gradients")] * 16
    assert max(one["error"] for one in found) < 0.05
    said = {one["id"]: one["answer"]["label"] for one in circle.items(run["id"], 599)}
    assert [one["answer"] for one in found] == [said[one["id"]] for one in found]


def test_a_broken_model_is_tried_by_itself_and_fails_with_a_sentence(circle, tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    config = {"model_type": "not-an-architecture", "id2label": {str(number): str(number) for number in range(10)}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    (folder / "README.md").write_text("---\npipeline_tag: image-classification\n---\n# Broken\n")
    circle.upload("broken", folder)

    until = time.monotonic() + 60
    while not (found := circle.http.get("/api/v1/models/ann/broken/runs").json()["results"]):
        assert time.monotonic() < until, circle.hub.logs()
        time.sleep(0.5)
    run = circle.wait(found[0]["id"])

    assert (run["state"], run["reason_code"], run["trigger"]) == ("failed", "unsupported", "upload")
    assert run["reason"].endswith(".")
    assert "Traceback" not in run["reason"]


def test_a_killed_node_does_not_cost_the_run(circle, digit_reader, tmp_path):
    folder = tmp_path / "again"
    folder.mkdir()
    for file in digit_reader.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"note": "another run key"}))
    circle.upload("again", folder)
    run_id = circle.ask("again")
    circle.wait(run_id, {"claimed", "running"})

    circle.node.process.kill()
    circle.node.process.wait()
    circle.node = circle.start_node()

    run = circle.wait(run_id)
    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    assert run["attempt"] == 2
