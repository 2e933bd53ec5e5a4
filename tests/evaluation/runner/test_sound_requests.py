"""Sounds through the runner: what a model answers to each alone, and scores that stored answers explain."""

import dataclasses
import io
import json
import shutil
import tarfile

import numpy as np
import pytest
import torch
import transformers

from evaluation.metrics.formulas.edits import edits
from evaluation.metrics.intervals import wilson
from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.sounds import read_sound
from tests.evaluation.runner import image_models, sound_models
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of


@pytest.fixture(scope="module")
def key_listener(tmp_path_factory):
    return sound_models.save_key_listener(tmp_path_factory.mktemp("dtmf"))


@pytest.fixture(scope="module")
def dialler(tmp_path_factory):
    return sound_models.save_dialler(tmp_path_factory.mktemp("ctc"))


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    return sound_models.save_listening_writer(tmp_path_factory.mktemp("whisper"))


def sound_of(inputs, row):
    with tarfile.open(inputs.directory / "media.tar") as archive:
        return read_sound(archive.extractfile(f"{row['id']}.wav").read(), 16_000)


def normal(wave):
    """What the extractor does, written out by hand."""
    return torch.from_numpy((wave - wave.mean()) / np.sqrt(wave.var() + 1e-7))[None]


def test_a_trained_listener_scores_what_it_answers_to_each_sound_alone(bench, key_listener, inputs_of):
    inputs, definition = inputs_of("dtmf"), DEFINITIONS["dtmf"]

    code, events = bench.run("dtmf", key_listener, inputs)

    assert code == 0, events
    truth = {row["id"]: row["label"] for row in inputs.gold}
    found = rows_of(bench.output / "predictions.jsonl")
    right = sum(truth[row["id"]] == row["label"] for row in found)
    accuracy, *_ = score(definition, inputs.gold, read_predictions(definition, bench.output))
    assert accuracy.metric == "accuracy"
    assert accuracy.value == right / 512 >= 0.85
    assert (accuracy.low, accuracy.high) == pytest.approx(wilson(right / 512, 512, 0.95))
    model = transformers.AutoModelForAudioClassification.from_pretrained(key_listener).eval()
    for row in found[::50]:
        with torch.inference_mode():
            alone = model(input_values=normal(sound_of(inputs, row))).logits.softmax(-1)[0]
        assert row["probs"] == pytest.approx(alone.tolist(), abs=1e-5)
        assert row["label"] == definition.label_names[int(alone.argmax())]
    facts = json.loads((bench.output / "measurements.json").read_text())
    assert facts["rtfx"] == pytest.approx(facts["settings"]["audio_seconds"] / facts["seconds"], rel=1e-3)
    assert facts["settings"]["sampling_rate"] == 16_000
    assert facts["settings"]["audio_seconds"] == pytest.approx(
        sum(len(sound_of(inputs, row)) for row in found[:40]) / 16_000 * 512 / 40, rel=0.1
    )


def test_a_trained_dialler_has_the_error_rate_of_what_it_hears_in_each_sound_alone(bench, dialler, inputs_of):
    inputs, definition = inputs_of("dialled"), DEFINITIONS["dialled"]

    code, events = bench.run("dialled", dialler, inputs)

    assert code == 0, events
    heard = {row["id"]: row["text"] for row in rows_of(bench.output / "predictions.jsonl")}
    errors = [edits(row["reference"].split(), heard[row["id"]].split()) for row in inputs.gold]
    words = sum(len(row["reference"].split()) for row in inputs.gold)
    values = {
        value.metric: value for value in score(definition, inputs.gold, read_predictions(definition, bench.output))
    }
    assert values["wer"].value == pytest.approx(sum(one.total for one in errors) / words, abs=1e-12)
    assert values["wer"].value < 0.6
    parts = [values[name].value for name in ("substitutions", "deletions", "insertions")]
    assert values["wer"].value == pytest.approx(sum(parts), abs=1e-12)
    assert values["wer"].low < values["wer"].value < values["wer"].high
    assert values["wer"].signature == "normaliser words@1"
    model = transformers.AutoModelForCTC.from_pretrained(dialler).eval()
    for row in inputs.gold[::40]:
        with torch.inference_mode():
            best = model(input_values=normal(sound_of(inputs, row))).logits[0].argmax(-1).tolist()
        # CTC written out by hand: runs of one token are one, blanks fall out.
        kept = [token for index, token in enumerate(best) if token and (index == 0 or best[index - 1] != token)]
        assert heard[row["id"]] == "".join(sound_models.TOKENS[token] for token in kept).replace("|", " ").strip()


def test_whisper_writes_what_generate_writes_of_each_sound_alone(bench, writer, inputs_of, tmp_path):
    inputs = inputs_of("dialled")
    rows = rows_of(inputs.directory / "inputs.jsonl")[:6]
    (tmp_path / "media.tar").write_bytes((inputs.directory / "media.tar").read_bytes())
    (tmp_path / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    options = {"generation": {"max_new_tokens": 12}}
    code, events = bench.run("dialled", writer, tmp_path / "some.jsonl", options=options)

    assert code == 0, events
    model = transformers.WhisperForConditionalGeneration.from_pretrained(writer).eval()
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(writer)
    tokenizer = transformers.AutoTokenizer.from_pretrained(writer)
    found = rows_of(bench.output / "predictions.jsonl")
    for row in found:
        features = extractor(sound_of(inputs, row), sampling_rate=16_000, return_tensors="pt").input_features
        tokens = model.generate(input_features=features, max_new_tokens=12, num_beams=1, do_sample=False)
        assert row["text"] == tokenizer.decode(tokens[0], skip_special_tokens=True).strip()
    assert len({row["text"] for row in found}) > 1
    settings = json.loads((bench.output / "measurements.json").read_text())["settings"]
    assert settings["decoding"] == "autoregressive, greedy"
    assert settings["generation"]["max_new_tokens"] == 12


def test_transcripts_are_greedy_whatever_the_model_wishes_for(bench, writer, inputs_of, tmp_path):
    model = shutil.copytree(writer, tmp_path / "wishes")
    inputs = inputs_of("dialled")
    (tmp_path / "media.tar").write_bytes((inputs.directory / "media.tar").read_bytes())
    rows = rows_of(inputs.directory / "inputs.jsonl")[:4]
    (tmp_path / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"generation": {"max_new_tokens": 12}}
    bench.run("dialled", model, tmp_path / "some.jsonl", options=options)
    before = rows_of(bench.output / "predictions.jsonl")
    wishes = json.loads((model / "generation_config.json").read_text())
    wishes |= {"repetition_penalty": 5.0, "no_repeat_ngram_size": 1, "min_length": 12}
    (model / "generation_config.json").write_text(json.dumps(wishes))

    code, events = bench.run("dialled", model, tmp_path / "some.jsonl", options=options)

    assert code == 0, events
    assert rows_of(bench.output / "predictions.jsonl") == before


def test_a_sound_longer_than_whisper_hears_is_refused_instead_of_cut(bench, writer, tmp_path):
    from tests.evaluation.runner.test_sounds import wav

    (tmp_path / "long.wav").write_bytes(wav(bytes(2 * 1000 * 31), rate=1000))
    (tmp_path / "inputs.jsonl").write_text(json.dumps({"id": "a", "audio": "long.wav"}) + "\n")

    code, events = bench.run("dialled", writer, tmp_path / "inputs.jsonl")

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "hears 30 s at a time" in events[-1]["message"]


def test_a_sound_longer_than_whisper_hears_is_written_as_generate_writes_it_window_by_window(bench, tmp_path):
    from tests.evaluation.runner.test_sounds import wav

    writer = sound_models.save_listening_writer(tmp_path / "whisper", marks_time=True)
    chance, waves = np.random.default_rng(5), {}
    for name, seconds in (("short", 3), ("long", 41), ("longer", 65)):
        samples = (chance.standard_normal(16_000 * seconds) * 3000).astype("<i2")
        (tmp_path / f"{name}.wav").write_bytes(wav(samples.tobytes(), rate=16_000))
        waves[name] = samples.astype(np.float32) / 32768
    (tmp_path / "inputs.jsonl").write_text(
        "".join(json.dumps({"id": name, "audio": f"{name}.wav"}) + "\n" for name in waves)
    )

    options = {"generation": {"max_new_tokens": 12}}
    code, events = bench.run("dialled", writer, tmp_path / "inputs.jsonl", options=options)

    assert code == 0, events
    found = {row["id"]: row["text"] for row in rows_of(bench.output / "predictions.jsonl")}
    model = transformers.WhisperForConditionalGeneration.from_pretrained(writer).eval()
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(writer)
    tokenizer = transformers.AutoTokenizer.from_pretrained(writer)
    for name, wave in waves.items():
        is_long = name != "short"
        whole = {"truncation": False, "padding": "longest", "return_attention_mask": True} if is_long else {}
        features = extractor(wave, sampling_rate=16_000, return_tensors="pt", **whole)
        told = {"return_timestamps": True} if is_long else {}
        tokens = model.generate(**features, max_new_tokens=12, num_beams=1, do_sample=False, **told)
        assert found[name] == tokenizer.decode(tokens[0], skip_special_tokens=True).strip()
    assert len(found["longer"]) > len(found["short"]) > 0
    assert json.loads((bench.output / "measurements.json").read_text())["settings"]["heard_in_windows"] == 2


def test_a_listener_without_its_extractor_says_so(bench, key_listener, inputs_of, tmp_path):
    model = shutil.copytree(key_listener, tmp_path / "model")
    (model / "preprocessor_config.json").unlink()

    code, events = bench.run("dtmf", model, inputs_of("dtmf"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "feature extractor is missing" in events[-1]["message"]


def test_an_unreadable_sound_is_not_the_models_fault(bench, key_listener, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    (tmp_path / "inputs.jsonl").write_text(json.dumps({"id": "a", "audio": "broken.wav"}) + "\n")

    code, events = bench.run("dtmf", key_listener, tmp_path / "inputs.jsonl")

    assert (code, events[-1]["reason"]) == (13, "data_unavailable")
    assert "broken.wav" in events[-1]["message"]


def test_a_model_of_images_transcribes_nothing(bench, inputs_of, tmp_path):
    code, events = bench.run("dialled", image_models.save_vit(tmp_path / "vit"), inputs_of("dialled"))

    assert (code, events[-1]["reason"]) == (10, "unsupported")
    assert "no model for this task" in events[-1]["message"]


def test_a_benchmark_of_speech_names_its_normaliser():
    from evaluation.benchmarks.checks import check
    from evaluation.errors import BadDefinition

    with pytest.raises(BadDefinition, match=r"filters: name the one normaliser .* words@1"):
        check(dataclasses.replace(DEFINITIONS["dialled"], filters=("lower-case",)))


def test_generated_sounds_are_the_same_everywhere():
    from evaluation.benchmarks.sources import generated_sounds

    tone = generated_sounds.tones("test")[0]
    wave = read_sound(tone.wav, 16_000)

    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    loudest = np.argsort(spectrum)[::-1] * 16_000 / len(wave)
    low, high = (min(loudest[:6], key=lambda hertz, wanted=wanted: abs(hertz - wanted)) for wanted in (697, 1209))
    assert tone.label == "1"
    assert abs(low - 697) < 12
    assert abs(high - 1209) < 12
    assert {sound.wav for sound in generated_sounds.tones("test")}.isdisjoint(
        wav for wav, _ in generated_sounds.dtmf_train()
    )
    assert io.BytesIO(tone.wav).read(4) == b"RIFF"
