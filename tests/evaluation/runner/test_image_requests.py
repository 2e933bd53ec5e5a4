"""Images through the runner, family by family: equal to the model asked about each image alone."""

import dataclasses
import inspect
import io
import json
import tarfile

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from evaluation.metrics.kinds.maps import unpack_map
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner import loading
from evaluation.runner.tasks.pictures import shape_numbers
from tests.evaluation.runner import image_models
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of, some_inputs


def some_images(inputs, tmp_path, count):
    path, rows = some_inputs(inputs, tmp_path, count)
    (tmp_path / "media.tar").write_bytes((inputs.directory / "media.tar").read_bytes())
    return path, rows


def image_of(inputs, row):
    with tarfile.open(inputs.directory / "media.tar") as archive:
        return np.asarray(Image.open(io.BytesIO(archive.extractfile(row["image"]).read())).convert("RGB"))


def quick(name):
    """The definition with few resamples: intervals are tested elsewhere."""
    definition = DEFINITIONS[name]
    return dataclasses.replace(definition, uncertainty=dataclasses.replace(definition.uncertainty, resamples=40))


def facts_of(bench):
    return json.loads((bench.output / "measurements.json").read_text())


@pytest.mark.parametrize("family", ["resnet", "efficientnet", "vit", "unresized"])
def test_every_family_answers_as_it_does_to_each_image_alone(family, bench, inputs_of, tmp_path):
    model_dir = getattr(image_models, f"save_{family}")(tmp_path / family)
    inputs = inputs_of("shapes")
    path, rows = some_images(inputs, tmp_path, 40)

    code, events = bench.run("shapes", model_dir, path)

    assert code == 0, events
    model = transformers.AutoModelForImageClassification.from_pretrained(model_dir).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    found = rows_of(bench.output / "predictions.jsonl")
    for asked, answer in list(zip(rows, found, strict=True))[::4]:
        pixels = processor([image_of(inputs, asked)], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            alone = model(pixel_values=pixels).logits.softmax(-1)[0]
        assert answer["probs"] == pytest.approx(alone.tolist(), abs=1e-5)
    assert np.ptp([row["probs"] for row in found], axis=0).max() > 1e-3  # the images do not look alike to the model
    assert facts_of(bench)["batches"] == 10  # forty images, four at a time


def test_batches_computed_at_once_have_the_answers_of_one_after_the_other(bench, inputs_of, tmp_path, monkeypatch):
    model_dir = image_models.save_resnet(tmp_path / "resnet")
    path, _ = some_images(inputs_of("shapes"), tmp_path, 40)
    assert bench.run("shapes", model_dir, path)[0] == 0
    alone = rows_of(bench.output / "predictions.jsonl")
    before = torch.get_num_threads()
    monkeypatch.setattr(loading, "set_threads", lambda _parameters: 3)  # as of a larger model on three cores

    code, events = bench.run("shapes", model_dir, path, run_id="2")

    assert code == 0, events
    torch.set_num_threads(before)
    together = rows_of(bench.output / "predictions.jsonl")
    assert (facts_of(bench)["threads"], facts_of(bench)["batches"]) == (3, 10)
    assert [(row["id"], row["label"]) for row in together] == [(row["id"], row["label"]) for row in alone]
    for one, other in zip(together, alone, strict=True):
        assert one["probs"] == pytest.approx(other["probs"], abs=1e-6)


def test_vgg_needs_torchvision_and_says_so(bench, inputs_of, tmp_path):
    model = image_models.save_vit(tmp_path / "vgg")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"model_type": "vgg"}))

    code, events = bench.run("shapes", model, inputs_of("shapes"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "needs torchvision" in events[-1]["message"]


def test_two_shapes_of_as_many_pixels_share_no_batch():
    numbers = shape_numbers([(160, 120), (120, 160), (160, 120), (50, 50)])

    assert numbers == {(160, 120): 19_200, (120, 160): 19_201, (50, 50): 2_500}


@pytest.mark.parametrize("family", ["yolos", "detr"])
def test_detectors_find_what_they_find_in_each_image_alone(family, bench, inputs_of, tmp_path):
    model_dir = getattr(image_models, f"save_{family}")(tmp_path / family)
    inputs = inputs_of("shape-boxes")
    path, rows = some_images(inputs, tmp_path, 24)

    code, events = bench.run("shape-boxes", model_dir, path)

    assert code == 0, events
    model = transformers.AutoModelForObjectDetection.from_pretrained(model_dir).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    found = rows_of(bench.output / "predictions.jsonl")
    for asked, answer in list(zip(rows, found, strict=True))[::3]:
        image = image_of(inputs, asked)
        height, width = image.shape[:2]
        inputs_alone = processor([image], return_tensors="pt")
        takes = inspect.signature(model.forward).parameters
        with torch.inference_mode():
            outputs = model(**{name: value for name, value in inputs_alone.items() if name in takes})
        # Boxes and scores written out by hand.
        likely, best = outputs.logits.softmax(-1)[0, :, :-1].max(-1)
        middle, size = outputs.pred_boxes[0, :, :2], outputs.pred_boxes[0, :, 2:]
        corners = torch.cat([middle - size / 2, middle + size / 2], dim=-1) * torch.tensor([width, height] * 2)
        order = torch.argsort(-likely, stable=True)
        assert answer["scores"] == pytest.approx(likely[order].tolist(), abs=1e-5)
        assert np.array(answer["boxes"]) == pytest.approx(
            np.clip(corners[order].numpy(), 0, [width, height] * 2), abs=0.01
        )
        assert answer["labels"] == [model.config.id2label[int(number)] for number in best[order]]
    definition = quick("shape-boxes")
    known = {row["id"] for row in rows}
    values = score(
        definition, [row for row in inputs.gold if row["id"] in known], read_predictions(definition, bench.output)
    )
    assert (values[0].metric, values[0].n) == ("map_50_95", 24)


def test_numbers_that_coco_leaves_out_are_no_labels(bench, inputs_of, tmp_path):
    labels = ("N/A", "triangle", "N/A", "circle", "square")
    model = image_models.save_yolos(tmp_path / "gaps", labels)
    path, _ = some_images(inputs_of("shape-boxes"), tmp_path, 6)

    code, events = bench.run("shape-boxes", model, path)

    assert code == 0, events
    found = {label for row in rows_of(bench.output / "predictions.jsonl") for label in row["labels"]}
    assert found
    assert found <= {"circle", "square", "triangle"}


def test_a_detector_of_other_things_is_named_as_such(bench, inputs_of, tmp_path):
    model = image_models.save_yolos(tmp_path / "cats", ("cat", "dog", "circle"))

    code, events = bench.run("shape-boxes", model, inputs_of("shape-boxes"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "it lacks square, triangle; it also has cat, dog" in events[-1]["message"]


def test_a_detector_that_answers_nan_fails_instead_of_finding_nothing(bench, inputs_of, tmp_path):
    model = image_models.save_yolos(tmp_path / "nan")
    net = transformers.YolosForObjectDetection.from_pretrained(model)
    with torch.no_grad():
        net.class_labels_classifier.layers[-1].bias[1] = float("nan")
    net.save_pretrained(model)
    path, _ = some_images(inputs_of("shape-boxes"), tmp_path, 3)

    code, events = bench.run("shape-boxes", model, path)

    assert (code, events[-1]["reason"]) == (12, "bad_output")
    assert "not finite" in events[-1]["message"]


@pytest.mark.parametrize("family", ["segformer", "mask2former"])
def test_segmenters_paint_what_they_paint_on_each_image_alone(family, bench, inputs_of, tmp_path):
    # The model's labels stand in another order than the benchmark's.
    labels = ("triangle", "ground", "square", "circle")
    model_dir = getattr(image_models, f"save_{family}")(tmp_path / family, labels)
    inputs = inputs_of("shape-masks")
    path, rows = some_images(inputs, tmp_path, 12)

    code, events = bench.run("shape-masks", model_dir, path)

    assert code == 0, events
    names = DEFINITIONS["shape-masks"].label_names
    auto = (
        transformers.AutoModelForSemanticSegmentation
        if family == "segformer"
        else transformers.AutoModelForUniversalSegmentation
    )
    model = auto.from_pretrained(model_dir).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    seen = set()
    for asked, answer in zip(rows, rows_of(bench.output / "predictions.jsonl"), strict=True):
        image = image_of(inputs, asked)
        with torch.inference_mode():
            outputs = model(pixel_values=processor([image], return_tensors="pt")["pixel_values"])
        (alone,) = processor.post_process_semantic_segmentation(outputs, target_sizes=[image.shape[:2]])
        told = unpack_map(answer["map"], (image.shape[1], image.shape[0]), 4)
        as_model = np.array([labels.index(name) for name in names])[told]
        assert (as_model == alone.numpy()).mean() > 0.999  # a pixel between two labels may fall either way
        seen |= set(told.ravel().tolist())
    assert len(seen) > 1


def test_a_painter_of_squares_scores_the_share_of_squares(bench, inputs_of, tmp_path):
    model = image_models.save_colour_painter(tmp_path / "painter")
    inputs, definition = inputs_of("shape-masks"), quick("shape-masks")

    code, events = bench.run("shape-masks", model, inputs)

    assert code == 0, events
    masks = [np.asarray(Image.open(io.BytesIO(row["mask"]))) for row in inputs.gold]
    counted = sum(int((mask != 255).sum()) for mask in masks)
    squares = sum(int((mask == 2).sum()) for mask in masks)
    values = score(definition, inputs.gold, read_predictions(definition, bench.output))
    found = {(value.metric, value.slice): value for value in values}
    assert found["pixel_accuracy", ""].value == pytest.approx(squares / counted, abs=1e-12)
    assert found["miou", ""].value == pytest.approx(squares / counted / 4, abs=1e-12)
    assert found["miou", "class:square"].value == pytest.approx(squares / counted, abs=1e-12)
    assert found["miou", "class:circle"].value == 0.0
    assert found["miou", ""].low < found["miou", ""].value < found["miou", ""].high


def test_clip_names_images_by_the_nearest_of_the_benchmarks_texts(bench, inputs_of, tmp_path):
    model_dir = image_models.save_clip(tmp_path / "clip")
    inputs, definition = inputs_of("shapes-zero-shot"), quick("shapes-zero-shot")
    path, rows = some_images(inputs, tmp_path, 40)

    code, events = bench.run("shapes-zero-shot", model_dir, path)

    assert code == 0, events
    model = transformers.CLIPModel.from_pretrained(model_dir).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_dir)
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    templates = ["a {label}", "a picture of a {label}", "one {label} on a grey ground"]
    with torch.inference_mode():
        # Each text alone and unpadded; the mean of three unit vectors, of length one again.
        classes = torch.stack([
            torch.nn.functional.normalize(
                torch.stack([
                    model.get_text_features(**tokenizer(text.replace("{label}", name), return_tensors="pt"))
                    .pooler_output[0] for text in templates
                ]), dim=-1,
            ).mean(0) for name in definition.label_names
        ])  # fmt: skip
        classes = torch.nn.functional.normalize(classes, dim=-1)
        for asked, answer in list(zip(rows, rows_of(bench.output / "predictions.jsonl"), strict=True))[::8]:
            pixels = processor([image_of(inputs, asked)], return_tensors="pt")["pixel_values"]
            image = torch.nn.functional.normalize(model.get_image_features(pixel_values=pixels).pooler_output, dim=-1)
            alone = (image @ classes.T * model.logit_scale.exp()).softmax(-1)[0]
            assert answer["probs"] == pytest.approx(alone.tolist(), abs=1e-5)
            assert answer["label"] == definition.label_names[int(alone.argmax())]
    assert facts_of(bench)["settings"]["templates"] == 3


def test_images_and_captions_get_vectors_in_one_space(bench, inputs_of, tmp_path):
    model_dir = image_models.save_clip(tmp_path / "clip")
    inputs, definition = inputs_of("scene-retrieval"), quick("scene-retrieval")

    code, events = bench.run("scene-retrieval", model_dir, inputs)

    assert code == 0, events
    ids = json.loads((bench.output / "ids.json").read_text())
    table = np.load(bench.output / "embeddings.npy", allow_pickle=False)
    rows = rows_of(inputs.directory / "inputs.jsonl")
    assert ids == [row["id"] for row in rows]
    model = transformers.CLIPModel.from_pretrained(model_dir).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_dir)
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    for row, vector in list(zip(rows, table, strict=True))[:20]:
        with torch.inference_mode():
            if "text" in row:
                alone = model.get_text_features(**tokenizer(row["text"], return_tensors="pt")).pooler_output[0]
            else:
                pixels = processor([image_of(inputs, row)], return_tensors="pt")["pixel_values"]
                alone = model.get_image_features(pixel_values=pixels).pooler_output[0]
        assert vector == pytest.approx((alone / alone.norm()).numpy(), abs=1e-5)
    values = {
        (one.metric, one.slice): one
        for one in score(definition, inputs.gold, read_predictions(definition, bench.output))
    }
    assert values["recall@1", ""].n == len(rows)
    assert {name for _, name in values} == {"", "direction:image to text", "direction:text to image"}
    assert 0 < values["mrr", ""].value < 1


@pytest.mark.parametrize(
    ("family", "pooling"), [("vit", "first token"), ("resnet", "mean"), ("clip", "the model's own image features")]
)
def test_frozen_features_are_those_of_each_image_alone(family, pooling, bench, inputs_of, tmp_path):
    model_dir = getattr(image_models, f"save_{family}")(tmp_path / family)
    inputs = inputs_of("shapes-probe")
    path, rows = some_images(inputs, tmp_path, 20)

    code, events = bench.run("shapes-probe", model_dir, path)

    assert code == 0, events
    assert facts_of(bench)["settings"]["pooling"] == pooling
    assert facts_of(bench)["settings"]["layer"] == "last"
    model = transformers.AutoModel.from_pretrained(model_dir).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    for row, vector in list(zip(rows, np.load(bench.output / "embeddings.npy"), strict=True))[::5]:
        pixels = processor([image_of(inputs, row)], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            if family == "clip":
                alone = model.get_image_features(pixel_values=pixels).pooler_output[0]
            else:
                states = model(pixel_values=pixels).last_hidden_state[0]
                alone = states[0] if family == "vit" else states.flatten(1).mean(1)
        assert vector == pytest.approx(alone.numpy(), abs=1e-5)


def test_a_probe_reads_colours_from_a_model_that_never_learnt_them(bench, inputs_of, tmp_path):
    inputs, definition = inputs_of("shapes-probe"), quick("shapes-probe")
    model = image_models.save_resnet(tmp_path / "resnet")

    code, events = bench.run("shapes-probe", model, inputs)

    assert code == 0, events
    assert all(set(row) == {"id", "image"} for row in rows_of(inputs.directory / "inputs.jsonl"))
    found = {one.metric: one for one in score(definition, inputs.gold, read_predictions(definition, bench.output))}
    assert found["probe_accuracy"].n == found["knn20_accuracy"].n == 240
    assert found["probe_accuracy"].value > 0.25  # guessing gets a twelfth
    assert found["knn20_accuracy"].value > 0.15


def test_blip_writes_what_generate_writes_of_each_image_alone(bench, inputs_of, tmp_path):
    model_dir = image_models.save_captioner(tmp_path / "blip")
    inputs = inputs_of("scene-captions")
    path, rows = some_images(inputs, tmp_path, 8)

    code, events = bench.run("scene-captions", model_dir, path, options={"generation": {"max_new_tokens": 10}})

    assert code == 0, events
    model = transformers.BlipForConditionalGeneration.from_pretrained(model_dir).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_dir)
    found = rows_of(bench.output / "predictions.jsonl")
    for asked, answer in zip(rows, found, strict=True):
        pixels = processor([image_of(inputs, asked)], return_tensors="pt")["pixel_values"]
        tokens = model.generate(pixel_values=pixels, max_new_tokens=10, num_beams=1, do_sample=False)
        assert answer["text"] == tokenizer.decode(tokens[0], skip_special_tokens=True).strip()
    assert len({row["text"] for row in found}) > 1


def test_captions_are_greedy_whatever_the_model_wishes_for(bench, inputs_of, tmp_path):
    model = image_models.save_git(tmp_path / "git")
    path, _ = some_images(inputs_of("scene-captions"), tmp_path, 4)
    options = {"generation": {"max_new_tokens": 10}}
    bench.run("scene-captions", model, path, options=options)
    before = rows_of(bench.output / "predictions.jsonl")
    wishes = json.loads((model / "generation_config.json").read_text())
    wishes |= {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "min_length": 9, "num_beams": 3}
    (model / "generation_config.json").write_text(json.dumps(wishes))

    code, events = bench.run("scene-captions", model, path, options=options)

    assert code == 0, events
    assert rows_of(bench.output / "predictions.jsonl") == before
    assert any(len(row["text"].split()) > len(set(row["text"].split())) for row in before)  # there is what to penalise


def test_vilt_answers_as_it_does_to_each_question_alone(bench, inputs_of, tmp_path):
    model_dir = image_models.save_answerer(tmp_path / "vilt")
    inputs = inputs_of("scene-questions")
    path, rows = some_images(inputs, tmp_path, 24)

    code, events = bench.run("scene-questions", model_dir, path)

    assert code == 0, events
    model = transformers.ViltForQuestionAnswering.from_pretrained(model_dir).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model_dir)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_dir)
    found = rows_of(bench.output / "predictions.jsonl")
    for asked, answer in list(zip(rows, found, strict=True))[::3]:
        picture = processor([image_of(inputs, asked)], return_tensors="pt")
        with torch.inference_mode():
            logits = model(**tokenizer(asked["text"], return_tensors="pt"), **picture).logits[0]
        assert answer["text"] == model.config.id2label[int(logits.argmax())]
    assert len({row["text"] for row in found}) > 1


def test_who_always_answers_red_agrees_with_those_who_saw_red(bench, inputs_of, tmp_path):
    model = image_models.save_answerer(tmp_path / "red", always="red")
    inputs, definition = inputs_of("scene-questions"), quick("scene-questions")

    code, events = bench.run("scene-questions", model, inputs)

    assert code == 0, events
    values = {one.slice: one for one in score(definition, inputs.gold, read_predictions(definition, bench.output))}
    red = sum("red" in row["answers"] for row in inputs.gold)  # eight of ten said so, which is entirely right
    assert values[""].value == pytest.approx(red / len(inputs.gold), abs=1e-12)
    assert values["question:number"].value == 0.0
