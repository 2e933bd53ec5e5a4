"""What answers rest on: closed forms, complete sums, and answers that stay as they are."""

import base64
import json

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from evaluation.benchmarks.schema import Interpret
from evaluation.runner.interpreting.gradients import integrated_gradients
from tests.evaluation.runner import image_models, models
from tests.evaluation.runner import text_families as families
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of, some_inputs

ASKED = {"steps": 32, "baseline": "auto", "max_seconds": 60.0}
GRADIENTS, OCCLUSION = ASKED | {"method": "integrated-gradients"}, ASKED | {"method": "occlusion"}


def attributions(bench, output="run"):
    return json.loads((bench.folder / "out" / output / "attributions.json").read_text())


def written(folder, row):
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    return path


def change_of(item):
    return item["output"] - item["output_of_baseline"]


@pytest.mark.parametrize("at_once", [1, 3, 64])
def test_of_a_linear_function_they_are_weight_times_distance(at_once):
    generator = torch.Generator().manual_seed(1)
    weight, point, baseline = (torch.randn(4, 5, generator=generator, dtype=torch.float64) for _ in range(3))

    found = integrated_gradients(
        lambda rows: (rows * weight).sum(dim=(1, 2)) + 3, point, baseline, steps=8, at_once=at_once
    )

    assert torch.allclose(found.double(), weight * (point - baseline), rtol=1e-6, atol=1e-6)


def test_of_a_product_they_are_its_integral():
    """For f = x·y from (0, 0) to (a, b) each of the two has half of a·b; for f = x²y it is two thirds and one."""
    point, nothing = torch.tensor([3.0, 5.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64)

    product = integrated_gradients(lambda rows: rows[:, 0] * rows[:, 1], point, nothing, steps=8, at_once=8)
    squared = integrated_gradients(lambda rows: rows[:, 0] ** 2 * rows[:, 1], point, nothing, steps=8, at_once=8)

    assert product.tolist() == pytest.approx([7.5, 7.5], rel=1e-6)
    assert squared.tolist() == pytest.approx([30.0, 15.0], rel=1e-6)


def test_attributions_of_texts_add_up_and_change_no_answer(bench, text_classifier, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("langid"), tmp_path, 24)
    assert bench.run("langid", text_classifier, path, output="plain")[0] == 0
    plain = (bench.folder / "out" / "plain" / "predictions.jsonl").read_bytes()
    wanted = [rows[5]["id"], rows[2]["id"]]

    code, events = bench.run("langid", text_classifier, path, interpret=GRADIENTS | {"items": wanted})

    assert code == 0, events
    assert (bench.output / "predictions.jsonl").read_bytes() == plain
    assert [event["phase"] for event in events if event["event"] == "progress"][-1] == "explaining"
    said = {row["id"]: row for row in rows_of(bench.output / "predictions.jsonl")}
    texts = {row["id"]: row["text"] for row in rows}
    found = {item["id"]: item for item in attributions(bench)["items"]}
    assert set(found) == set(wanted)
    for key, item in found.items():
        assert item["label"] == said[key]["label"]
        assert item["probability"] == pytest.approx(max(said[key]["probs"]), abs=1e-5)
        assert sum(item["values"]) == pytest.approx(change_of(item), rel=0.05, abs=1e-3)
        pieces = "".join(texts[key][start:end] for _side, start, end in item["spans"])
        assert "".join(pieces.split()) == "".join(texts[key].split())
    assert not (bench.output / "results.part.jsonl").exists()


def test_attributions_of_images_add_up_over_their_cells(bench, tmp_path):
    folder = image_models.save_vit(tmp_path / "vit")
    noise = np.random.default_rng(1).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    path = written(tmp_path, {"id": "a", "image": "a.png"})

    for method in (GRADIENTS, OCCLUSION):
        code, events = bench.run("shapes", folder, path, interpret=method | {"items": ["a"]}, output=method["method"])
        assert code == 0, events

    complete, covered = (attributions(bench, one["method"])["items"][0] for one in (GRADIENTS, OCCLUSION))
    assert (complete["rows"], complete["columns"], len(complete["values"])) == (16, 16, 256)
    assert sum(complete["values"]) == pytest.approx(change_of(complete), rel=0.05, abs=1e-3)
    assert (covered["rows"], covered["columns"], len(covered["values"])) == (8, 8, 64)
    assert len(base64.b64decode(complete["seen"])) == 64 * 64 * 3


def test_a_word_that_alone_decides_is_found_by_both_methods(bench, tmp_path):
    """The weights of every token but one are nothing; its embedding alone moves the output."""
    folder = models.save_text_classifier(tmp_path / "planted", DEFINITIONS["langid"].label_names)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    text = "one two three zebra four"
    ids = tokenizer(text)["input_ids"]
    spans = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    planted = ids.index(next(one for one in reversed(ids[1:-1]) if ids.count(one) == 1))
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        kept = table[ids[planted]].clone()
        table[:] = table[model.config.pad_token_id]
        table[ids[planted]] = 4 * kept
    model.save_pretrained(folder)
    path = written(tmp_path, {"id": "a", "text": text})

    for method in (GRADIENTS, OCCLUSION):
        assert bench.run("langid", folder, path, interpret=method | {"items": ["a"]}, output=method["method"])[0] == 0
        item = attributions(bench, method["method"])["items"][0]
        strongest = int(np.argmax(np.abs(item["values"])))
        assert item["spans"][strongest][1:] == list(spans[planted])
        others = [value for at, value in enumerate(item["values"]) if at != strongest]
        assert max(map(abs, others), default=0.0) < 1e-4 * abs(item["values"][strongest])
        assert item["method"] == method["method"]


def test_occlusion_says_what_the_output_loses_without_a_part(bench, text_classifier, tmp_path):
    path = written(tmp_path, {"id": "a", "text": "one two three"})

    assert bench.run("langid", text_classifier, path, interpret=OCCLUSION | {"items": ["a"]})[0] == 0

    item = attributions(bench)["items"][0]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(text_classifier).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(text_classifier)
    ids = tokenizer("one two three", return_tensors="pt")["input_ids"]
    covered = ids.clone()
    covered[0, -2] = tokenizer.pad_token_id  # the last token of the text, before the one that ends it
    with torch.inference_mode():
        whole, without = (model(input_ids=one).logits[0] for one in (ids, covered))
    target = int(whole.argmax())
    assert item["output"] == pytest.approx(float(whole[target]), abs=1e-5)
    assert item["values"][-1] == pytest.approx(float(whole[target] - without[target]), abs=1e-5)
    assert item["steps"] == 0


def test_a_model_that_takes_no_embeddings_is_covered_part_by_part_and_says_why(bench, tmp_path):
    tokenizer = families.byte_level()
    config = transformers.BartConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=66,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2,
        **families.labels(DEFINITIONS["langid"].label_names),
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.BartForSequenceClassification(config).save_pretrained(tmp_path / "bart")
    tokenizer.save_pretrained(tmp_path / "bart")
    path = written(tmp_path, {"id": "a", "text": "def one(two): return three"})

    code, events = bench.run("langid", tmp_path / "bart", path, interpret=GRADIENTS | {"items": ["a"]})

    assert code == 0, events
    item = attributions(bench)["items"][0]
    assert item["method"] == "occlusion"
    assert "embeddings" in item["note"]
    assert len(item["values"]) == len(item["spans"]) > 3


def test_no_time_left_costs_the_attributions_and_not_the_run(bench, text_classifier, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("langid"), tmp_path, 4)
    limits = DEFINITIONS["langid"].limits.__dict__ | {"minutes": 0.01}

    code, _ = bench.run(
        "langid", text_classifier, path, limits=limits, interpret=GRADIENTS | {"items": [rows[0]["id"]]}
    )

    assert code == 0
    assert attributions(bench)["items"] == [{"id": rows[0]["id"], "reason": "The time bound left none for this item."}]


def test_what_is_not_asked_for_is_not_made(bench, text_classifier, inputs_of, tmp_path):
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 4)

    assert bench.run("langid", text_classifier, path)[0] == 0

    assert not (bench.output / "attributions.json").exists()


def test_a_definition_names_the_method_and_leaves_the_rest_to_defaults():
    asked = Interpret(method="integrated-gradients")

    assert (asked.samples, asked.steps, asked.baseline) == (16, 32, "auto")
