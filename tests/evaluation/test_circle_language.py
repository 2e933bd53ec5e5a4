"""Language models the whole way: upload, queue, node, sandbox, scoring; natively and judged by lm_eval."""

import json
import math

import pytest
import torch
import transformers

from evaluation.benchmarks import readers
from evaluation.benchmarks.definitions import builtin_definitions
from tests.evaluation.runner import language_models
from tests.evaluation.test_circle import Circle
from tests.processes import Hub

pytestmark = pytest.mark.slow
COST = """efficiency:
  {scenarios: [single_stream, offline], warmup: 2, min_iterations: 20, min_seconds: 0.1, max_seconds: 60}
"""
CARD = "---\npipeline_tag: text-generation\nlanguage: en\nlicense: mit\n---\n# Says what comes next\n"


@pytest.fixture(scope="module")
def circle():
    with Hub.started("circle-language", AUTO_EVALUATE="0") as hub:
        circle = Circle(hub)
        yield circle
        circle.http.close()


@pytest.fixture(scope="module")
def model(circle, tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("circle") / "says"
    language_models.save_random(folder, "gpt2", positions=256, initializer_range=0.15)
    (folder / "README.md").write_text(CARD)
    circle.upload("says", folder)
    return folder


def scores(circle, benchmark):
    run = circle.wait(circle.ask("says", benchmark))
    assert run["state"] == "succeeded", f"{run}\n{circle.hub.logs()}"
    return {score["metric"]: score for score in run["scores"]}, run


def bits_per_byte(folder):
    """Counted here with nothing but transformers: short texts whole, long ones in windows of 256."""
    definition = next(one for one in builtin_definitions() if one.id == "manual-perplexity")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    network = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    nats, size = 0.0, 0
    for row in readers.read(definition).inputs:
        ids = tokenizer(row["text"])["input_ids"]
        size += len(row["text"].encode())
        for start in range(0, len(ids), 256):
            end = min(start + 256, len(ids))
            seen = [0, *ids][max(0, end - 256) : end]
            with torch.inference_mode():
                chances = network(torch.tensor([seen])).logits[0].double().log_softmax(-1)
            nats -= sum(float(chances[place - end, ids[place]]) for place in range(start, end))
    return nats / size / math.log(2)


def test_what_is_asked_of_one_model_shares_a_process_though_the_node_is_killed(circle, model):
    names = ("manual-perplexity", "manual-next-sentence", "manual-last-word")
    circle.hub.command("drain_node", "machine")  # so that all of them wait when the first is claimed
    runs = [circle.ask("says", name) for name in names]
    circle.hub.command("drain_node", "machine", "--undo")
    circle.wait(runs[0], {"claimed", "running"})

    circle.node.process.kill()
    circle.node.process.wait()
    circle.node = circle.start_node()

    ended = [circle.wait(run) for run in runs]
    assert [run["state"] for run in ended] == ["succeeded"] * 3, f"{ended}\n{circle.hub.logs()}"
    records = [json.loads(circle.http.get(f"/api/v1/runs/{run}/record").json()["body"]) for run in runs]
    measured = [record["engine"]["measured"] for record in records]
    assert sorted(facts["process"]["runs_before"] for facts in measured) == [0, 1, 2]
    assert sorted(facts["load"] for facts in measured) == ["cold", "warm", "warm"]
    assert len({facts["process"]["start_seconds"] for facts in measured}) == 1


def test_running_text_is_measured_as_it_is_counted_here(circle, model):
    found, _ = scores(circle, "manual-perplexity")

    assert found["bits_per_byte"]["value"] == pytest.approx(bits_per_byte(model), rel=1e-5)
    assert found["bits_per_byte"]["low"] < found["bits_per_byte"]["value"] < found["bits_per_byte"]["high"]


def test_our_choices_and_those_that_lm_eval_judges_are_the_same(circle, model):
    ours, run = scores(circle, "manual-next-sentence")
    theirs, other = scores(circle, "manual-next-sentence-lm-eval")

    assert {name: score["value"] for name, score in theirs.items()} == {
        name: ours[name]["value"] for name in ("acc", "acc_norm", "acc_bytes")
    }
    assert ours["acc"]["n"] == theirs["acc"]["n"] > 300
    measured = json.loads(circle.http.get(f"/api/v1/runs/{run['id']}/record").json()["body"])["engine"]
    record = json.loads(circle.http.get(f"/api/v1/runs/{other['id']}/record").json()["body"])
    assert measured["measured"]["settings"]["shared_contexts"] is True
    assert record["engine"]["backend"] == "lm_eval"
    assert record["result"]["scores"][0]["signature"].startswith("lm_eval 0.4.13, task manual_next_sentence")


def test_texts_are_written_filtered_and_compared(circle, model):
    found, _ = scores(circle, "manual-last-word")

    assert 0 <= found["exact_match"]["value"] < 0.2
    assert 0 < found["tokens_out"]["value"] <= 8
    assert found["truncated_share"]["value"] > 0


def test_a_language_model_is_timed_token_by_token(circle, model):
    """The same benchmark as a team's own, which asks for the cost as well; its answers are scored alike."""
    text = circle.http.get("/api/v1/benchmarks/manual-last-word/export").text
    text = text.replace("id: manual-last-word", "id: words") + COST
    made = circle.http.post("/api/v1/benchmarks", json={"namespace": "ann", "definition": text})
    assert made.status_code == 201, made.text
    plain, _ = scores(circle, "manual-last-word")

    found, run = scores(circle, made.json()["id"])

    assert {name: score["value"] for name, score in found.items()} == {
        name: score["value"] for name, score in plain.items()
    }
    cost = circle.http.get(f"/api/v1/runs/{run['id']}").json()["efficiency"]
    figures = {figure["name"]: figure for figure in cost["figures"]}
    assert "prompt of 205 tokens, 51 new" in figures["ttft_p50_ms"]["detail"]  # the model sees 256 at once
    for name in ("ttft_p50_ms", "tpot_p50_ms", "latency_p50_ms", "output_tokens_per_second", "items_per_second"):
        assert figures[name]["value"] > 0, figures[name]
    assert figures["latency_p50_ms"]["value"] <= figures["latency_p90_ms"]["value"]
    config = json.loads((model / "config.json").read_text())
    layer = 12 * 205 * config["n_embd"] ** 2 + 2 * 205 * 205 * config["n_embd"]
    assert figures["flops"]["value"] == 2 * (config["n_layer"] * layer + config["n_embd"] * config["vocab_size"])
