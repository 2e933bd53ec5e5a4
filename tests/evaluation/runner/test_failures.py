"""Models that cannot be run fail with a reason and a sentence their author understands; nothing is written."""

import json
import shutil
import struct

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from evaluation.runner.failures import RunFailed
from evaluation.runner.loading import Loader, load_tokenizer
from tests.evaluation.runner import image_models, language_models, models
from tests.evaluation.runner.conftest import DEFINITIONS


@pytest.fixture
def model(text_classifier, tmp_path):
    return shutil.copytree(text_classifier, tmp_path / "model")


def edit(path, **changes):
    body = json.loads(path.read_text())
    body.update(changes)
    path.write_text(json.dumps(body))


def unknown_architecture(model):
    edit(model / "config.json", model_type="quantum_bert")


def own_code(model):
    edit(model / "config.json", model_type="mine", auto_map={"AutoModel": "modeling.Mine"})


def no_config(model):
    (model / "config.json").unlink()


def broken_config(model):
    (model / "config.json").write_text("{")


def config_is_a_list(model):
    (model / "config.json").write_text("[]")


def config_without_end(model):
    (model / "config.json").write_text('{"a":' * 100_000)


def huge_config(model):
    with (model / "config.json").open("ab") as stream:
        stream.truncate(17 * 2**20)


def huge_tokenizer(model):
    with (model / "tokenizer.json").open("ab") as stream:
        stream.truncate(300 * 2**20)


def tokenizer_without_end(model):
    (model / "tokenizer.json").write_text("[" * 1_000_000)


def only_pickle(model):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")


def no_weights(model):
    (model / "model.safetensors").unlink()


def adapter(model):
    (model / "model.safetensors").rename(model / "adapter_model.safetensors")
    (model / "adapter_config.json").write_text("{}")


def missing_shard(model):
    table = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(table))


def no_tokenizer(model):
    for path in model.glob("tokenizer*"):
        path.unlink()


def vocabulary_larger_than_the_embeddings(model):
    weights = load_file(model / "model.safetensors")
    name = "bert.embeddings.word_embeddings.weight"
    weights[name] = weights[name][:300].clone()
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    edit(model / "config.json", vocab_size=300)


def no_head(model):
    weights = load_file(model / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(kept, model / "model.safetensors", {"format": "pt"})


def other_width(model):
    edit(model / "config.json", hidden_size=64)


def not_a_number(model):
    weights = load_file(model / "model.safetensors")
    weights["classifier.bias"][:] = float("nan")
    save_file(weights, model / "model.safetensors", {"format": "pt"})


def other_labels(model):
    names = [*DEFINITIONS["langid"].label_names[1:], "xx"]
    edit(model / "config.json", id2label={str(number): name for number, name in enumerate(names)})


def unnamed_labels(model):
    edit(model / "config.json", id2label={str(number): f"LABEL_{number}" for number in range(24)})


def labels_from_one(model):
    names = DEFINITIONS["langid"].label_names
    edit(model / "config.json", id2label={str(number): name for number, name in enumerate(names, start=1)})


def quantised(model):
    edit(model / "config.json", quantization_config={"quant_method": "gptq"})


def truncated_weights(model):
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def huge_header(model):
    (model / "model.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}")


def empty_weights(model):
    (model / "model.safetensors").write_bytes(b"")


def with_header(header, data=b""):
    raw = json.dumps(header).encode() if isinstance(header, dict) else header

    def write(model):
        (model / "model.safetensors").write_bytes(struct.pack("<Q", len(raw)) + raw + data)

    return write


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    "broken",
    [
        (unknown_architecture, "unsupported", "architecture 'quantum_bert' is not known to transformers"),
        (own_code, "unsupported", "needs its own code, which is never run"),
        (no_config, "unsupported", "config.json is missing"),
        (broken_config, "unsupported", "config.json is not valid JSON"),
        (config_is_a_list, "unsupported", "does not hold a JSON object"),
        (config_without_end, "unsupported", "config.json is not valid JSON"),
        (huge_config, "unsupported", "config.json is larger than 16 MiB"),
        (huge_tokenizer, "unsupported", "tokenizer.json is larger than 256 MiB"),
        (tokenizer_without_end, "unsupported", "tokenizer could not be loaded"),
        (only_pickle, "unsupported", "pickled (pytorch_model.bin)"),
        (no_weights, "unsupported", "model.safetensors is missing"),
        (adapter, "unsupported", "an adapter"),
        (missing_shard, "unsupported", "missing: model-00001-of-00002.safetensors"),
        (no_tokenizer, "unsupported", "tokenizer is missing"),
        (vocabulary_larger_than_the_embeddings, "unsupported", "embeddings for 300 only"),
        (no_head, "unsupported", "lack classifier.bias and 1 more"),
        (other_width, "unsupported", ""),
        (not_a_number, "bad_output", "not finite"),
        (other_labels, "unsupported", "it lacks ar; it also has xx"),
        (unnamed_labels, "unsupported", "it lacks ar, bg, cs, da, de, el, en, es and 16 more; it also has LABEL_0"),
        (labels_from_one, "unsupported", "id2label does not number its labels 0, 1, 2, …"),
        (quantised, "unsupported", "quantised"),
        (truncated_weights, "unsupported", "the tensors end elsewhere than the file"),
        (huge_header, "unsupported", "header length does not fit the file"),
        (empty_weights, "unsupported", "header length does not fit the file"),
        (with_header(b"{nonsense"), "unsupported", "its header cannot be read"),
        (with_header(b'{"a": 1, "a": 2}'), "unsupported", "a name appears twice"),
        (with_header({"a": entry(dtype="F31")}, bytes(8)), "unsupported", "unknown type 'F31'"),
        (with_header({"a": entry(shape=(-2,))}, bytes(8)), "unsupported", "out of range"),
        (with_header({"a": entry(shape=(3,))}, bytes(8)), "unsupported", "another size than its shape"),
        (with_header({"a": entry(offsets=(4, 12))}, bytes(12)), "unsupported", "a hole or an overlap"),
        (with_header({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "unsupported", "hole or an overlap"),
        (with_header({"a": [1]}, bytes(8)), "unsupported", "its header cannot be read"),
    ],
)
def test_a_broken_model_fails_with_a_sentence(broken, bench, model, inputs_of):
    damage, reason, said = broken
    damage(model)

    code, events = bench.run("langid", model, inputs_of("langid"))

    assert code in (10, 12)
    assert events[-1]["event"] == "failed"
    assert events[-1]["reason"] == reason
    assert said in events[-1]["message"]
    assert not (bench.output / "predictions.jsonl").exists()


def test_weights_larger_than_memory_do_not_fit(bench, model, inputs_of):
    weights = load_file(model / "model.safetensors")
    del weights["bert.embeddings.word_embeddings.weight"]
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    edit(model / "config.json", vocab_size=2**44)  # petabytes, which transformers makes room for

    code, events = bench.run("langid", model, inputs_of("langid"))

    assert (code, events[-1]["reason"]) == (11, "does_not_fit")
    assert events[-1]["message"] == "The weights alone do not fit into this node's memory."


def test_a_model_that_leaves_no_memory_ends_its_own_run_alone(bench, text_classifier, tmp_path, capsys, monkeypatch):
    from evaluation.runner.__main__ import main

    writer = language_models.save_random(tmp_path / "a-writer", "llama")
    rows = language_models.write_rows(tmp_path / "rows.jsonl", [{"text": "Once"}])
    monkeypatch.setattr(transformers.LlamaForCausalLM, "forward", lambda *_, **__: torch.empty(2**52))
    good = json.loads(bench.spec("langid", text_classifier, rows).read_text())["runs"][0]
    greedy = {"generation": {"max_new_tokens": 8}}
    large = json.loads(bench.spec("manual-last-word", writer, rows, options=greedy).read_text())["runs"][0]
    large |= {"run_id": "large", "output": "large", "model_dir": str(writer)}
    spec = bench.write({"protocol": 1, "device": "cpu", "runs": [large, good]})

    code = main(["--spec", str(spec), "--output", str(bench.folder / "out")])

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ends = {event["run_id"]: event for event in events if event["event"] != "progress"}
    assert code == 11
    assert ends["large"]["reason"] == "does_not_fit"
    assert ends["large"]["message"] == "The model leaves no memory to compute anything."
    assert ends["1"]["event"] == "finished"


def reads_texts(folder, _):
    models.save_text_classifier(folder, DEFINITIONS["langid"].label_names)
    return (
        "langid",
        language_models.write_rows(folder.parent / "rows.jsonl", [{"text": "\N{MUSICAL SYMBOL G CLEF}"}]),
        {},
    )


def goes_on(folder, _):
    language_models.save_planted(folder, [language_models.END, "one"], {}, family="llama")
    rows = language_models.write_rows(folder.parent / "rows.jsonl", [{"text": "snowman"}])
    return "manual-last-word", rows, {"options": {"generation": {"max_new_tokens": 8}}}


def names_images(folder, inputs_of):
    image_models.save_clip(folder)
    return "shapes-zero-shot", inputs_of("shapes-zero-shot"), {"options": {"prompt": {"template": "snowman {label}"}}}


def answers_questions(folder, inputs_of):
    image_models.save_answerer(folder)
    inputs = inputs_of("scene-questions").directory
    shutil.copy(inputs / "media.tar", folder.parent)
    first = json.loads((inputs / "inputs.jsonl").read_text().splitlines()[0])
    rows = folder.parent / "rows.jsonl"
    rows.write_text(json.dumps(first | {"text": "snowman"}) + "\n")
    return "scene-questions", rows, {}


@pytest.mark.parametrize("kind", [reads_texts, goes_on, names_images, answers_questions])
def test_a_tokenizer_that_fails_on_a_text_is_the_models_fault(kind, bench, inputs_of, tmp_path):
    folder = tmp_path / "model"
    benchmark, inputs, options = kind(folder, inputs_of)
    body = json.loads((folder / "tokenizer.json").read_text())
    body["model"]["unk_token"] = "[NOWHERE]"  # what an unknown word becomes, and no token itself
    (folder / "tokenizer.json").write_text(json.dumps(body))

    code, events = bench.run(benchmark, folder, inputs, **options)

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert events[-1]["message"].startswith("The tokenizer failed on this input: ")


def test_a_model_that_knows_no_number_of_tokens_has_no_use_for_a_tokenizer(digit_reader, encoder):
    loaded, _ = Loader("cpu").load(digit_reader, transformers.AutoModelForImageClassification, "auto")

    with pytest.raises(RunFailed, match="how many tokens it knows"):
        load_tokenizer(loaded, encoder)


def test_an_encoder_is_no_classifier(bench, encoder, inputs_of):
    code, events = bench.run("langid", encoder, inputs_of("langid"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "answer at random" in events[-1]["message"]


def test_a_language_model_is_no_image_classifier(bench, text_classifier, inputs_of):
    code, events = bench.run("digits", text_classifier, inputs_of("digits"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "no model for this task" in events[-1]["message"]


def test_an_image_model_without_its_processor_says_so(bench, digit_reader, inputs_of, tmp_path):
    model = shutil.copytree(digit_reader, tmp_path / "vit")
    (model / "preprocessor_config.json").unlink()

    code, events = bench.run("digits", model, inputs_of("digits"))

    assert code == 10
    assert "image processor is missing" in events[-1]["message"]


@pytest.mark.parametrize(
    "broken",
    [
        ({"modules.json": "{"}, "modules.json is not valid JSON"),
        ({"modules.json": "{}"}, "not a list of modules"),
        ({"modules.json": '[{"path": "", "type": "x.LSTM"}]'}, "module 'LSTM'"),
        ({"modules.json": '[{"path": "../..", "type": "x.Transformer"}]'}, "outside the repository"),
        ({"modules.json": '[{"path": "p", "type": "x.Pooling"}]'}, "config.json is missing"),
        (
            {"modules.json": '[{"path": "p", "type": "x.Pooling"}]', "p/config.json": '{"pooling_mode": "magic"}'},
            "pooling 'magic'",
        ),
    ],
)
def test_sentence_files_that_make_no_sense_are_named(broken, bench, encoder, inputs_of, tmp_path):
    files, said = broken
    model = shutil.copytree(encoder, tmp_path / "sentence")
    for name, text in files.items():
        (model / name).parent.mkdir(exist_ok=True)
        (model / name).write_text(text)

    code, events = bench.run("bitext", model, inputs_of("bitext"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert said in events[-1]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"protocol": 2, "runs": []}, "speaks protocol 1"),
        ({"protocol": 1}, "cannot be read"),
        ({"protocol": 1, "runs": [{"run_id": "1"}]}, "cannot be read"),
        (
            {
                "protocol": 1,
                "runs": [{"run_id": "1", "request": "embed", "model_dir": "m", "inputs": "i", "output": "../x"}],
            },
            "outside the output directory",
        ),
    ],
)
def test_a_specification_that_makes_no_sense_is_the_nodes_fault(body, said, bench, capsys):
    from evaluation.runner.__main__ import main

    code = main(["--spec", str(bench.write(body)), "--output", str(bench.folder / "out")])

    event = json.loads(capsys.readouterr().out)
    assert code == 14
    assert event["reason"] == "node_error"
    assert said in event["message"]


@pytest.mark.parametrize("text", ["", "nonsense\n", '{"id": "a"}\n{"id": "a"}\n', '{"id": "a", "colour": 1}\n'])
def test_inputs_that_make_no_sense_are_not_the_models_fault(text, bench, text_classifier, tmp_path):
    (tmp_path / "inputs.jsonl").write_text(text)

    code, events = bench.run("langid", text_classifier, tmp_path / "inputs.jsonl")

    assert (code, events[-1]["reason"]) == (13, "data_unavailable")


def test_an_unknown_request_is_unsupported(bench, text_classifier, inputs_of):
    code, events = bench.run("langid", text_classifier, inputs_of("langid"), request="juggle")

    assert (code, events[-1]["message"]) == (10, "This runner does not know the request 'juggle'.")


def test_one_failing_run_does_not_stop_the_others(bench, text_classifier, inputs_of, tmp_path, capsys):
    from evaluation.runner.__main__ import main

    good = json.loads(bench.spec("langid", text_classifier, inputs_of("langid")).read_text())["runs"][0]
    bad = good | {"run_id": "bad", "output": "bad", "model_dir": str(tmp_path)}
    spec = bench.write({"protocol": 1, "device": "cpu", "runs": [bad, good]})

    code = main(["--spec", str(spec), "--output", str(bench.folder / "out")])

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 10
    assert [(event["run_id"], event["event"]) for event in events if event["event"] != "progress"] == [
        ("bad", "began"),
        ("bad", "failed"),
        ("1", "began"),
        ("1", "finished"),
    ]


def test_long_texts_are_cut_at_the_models_positions(bench, text_classifier, tmp_path):
    (tmp_path / "inputs.jsonl").write_text(json.dumps({"id": "a", "text": "word " * 5000}) + "\n")

    code, events = bench.run("langid", text_classifier, tmp_path / "inputs.jsonl")

    assert code == 0, events
    assert json.loads((bench.output / "measurements.json").read_text())["settings"]["max_length"] == 128


def test_a_model_without_padding_token_answers_one_text_at_a_time(bench, text_classifier, inputs_of, tmp_path):
    torch.manual_seed(0)
    names = DEFINITIONS["langid"].label_names
    tokenizer = transformers.AutoTokenizer.from_pretrained(text_classifier)
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=2, n_positions=128, id2label=dict(enumerate(names)),
        label2id={name: number for number, name in enumerate(names)}, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    transformers.GPT2ForSequenceClassification(config).save_pretrained(tmp_path / "gpt2")
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path / "gpt2")

    code, events = bench.run("langid", tmp_path / "gpt2", inputs_of("langid"))

    assert code == 0, events
    facts = json.loads((bench.output / "measurements.json").read_text())
    assert facts["batches"] == facts["items"]
