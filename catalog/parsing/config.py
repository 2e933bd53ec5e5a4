"""What a model's `config.json` and file names say about it, without importing any framework.

Source of the class names: transformers 5.23, models/auto/modeling_auto.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import BadMetadata
from catalog.parsing.json_values import Json, read_json

LONGEST_CONFIG_BYTES: Final = 4 * 1024 * 1024
MOST_LABELS: Final = 50_000

# How the name of an architecture ends → (task, the Auto class that loads it). The first fit counts.
_HEADS: Final[tuple[tuple[str, str, str], ...]] = (
    ("ForSequenceClassification", "text-classification", "AutoModelForSequenceClassification"),
    ("ForTokenClassification", "token-classification", "AutoModelForTokenClassification"),
    ("ForDocumentQuestionAnswering", "document-question-answering", "AutoModelForDocumentQuestionAnswering"),
    ("ForTableQuestionAnswering", "table-question-answering", "AutoModelForTableQuestionAnswering"),
    ("ForVisualQuestionAnswering", "visual-question-answering", "AutoModelForVisualQuestionAnswering"),
    ("ForQuestionAnswering", "question-answering", "AutoModelForQuestionAnswering"),
    ("ForMaskedLM", "fill-mask", "AutoModelForMaskedLM"),
    ("ForCausalLM", "text-generation", "AutoModelForCausalLM"),
    ("LMHeadModel", "text-generation", "AutoModelForCausalLM"),
    ("ForImageClassification", "image-classification", "AutoModelForImageClassification"),
    ("ForVideoClassification", "video-classification", "AutoModelForVideoClassification"),
    ("ForAudioClassification", "audio-classification", "AutoModelForAudioClassification"),
    ("ForZeroShotObjectDetection", "zero-shot-object-detection", "AutoModelForZeroShotObjectDetection"),
    ("ForObjectDetection", "object-detection", "AutoModelForObjectDetection"),
    ("ForSemanticSegmentation", "image-segmentation", "AutoModelForSemanticSegmentation"),
    ("ForUniversalSegmentation", "image-segmentation", "AutoModelForUniversalSegmentation"),
    ("ForInstanceSegmentation", "image-segmentation", "AutoModelForInstanceSegmentation"),
    ("ForSegmentation", "image-segmentation", "AutoModelForImageSegmentation"),
    ("ForDepthEstimation", "depth-estimation", "AutoModelForDepthEstimation"),
    ("ForKeypointDetection", "keypoint-detection", "AutoModelForKeypointDetection"),
    ("ForImageSuperResolution", "image-to-image", "AutoModelForImageToImage"),
    ("ForCTC", "automatic-speech-recognition", "AutoModelForCTC"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition", "AutoModelForSpeechSeq2Seq"),
    ("ForTextToSpeech", "text-to-speech", "AutoModelForTextToWaveform"),
    ("ForPrediction", "time-series-forecasting", "AutoModelForTimeSeriesPrediction"),
)
# `…ForConditionalGeneration` says nothing by itself: the kind of model decides.
_SPEECH_TO_TEXT = frozenset({"whisper", "speech_to_text", "moonshine", "seamless_m4t", "seamless_m4t_v2"})
_TEXT_TO_TEXT = frozenset({"t5", "mt5", "umt5", "bart", "mbart", "pegasus", "pegasus_x", "led", "longt5", "blenderbot"})
_TRANSLATION = frozenset({"marian", "m2m_100", "nllb-moe", "fsmt"})
# Likewise for a bare `…Model`, which returns vectors.
_TEXT_EMBEDDING = frozenset(
    {"bert", "roberta", "xlm-roberta", "mpnet", "distilbert", "albert", "electra", "modernbert", "deberta-v2"}
)
_IMAGE_EMBEDDING = frozenset(
    {"vit", "dinov2", "dinov3_vit", "deit", "swin", "convnext", "convnextv2", "resnet", "efficientnet"}
)
_LIBRARY_OF_SUFFIX = {"keras": "keras", "gguf": "gguf", "skops": "sklearn", "joblib": "sklearn", "onnx": "onnx"}
_ZERO_SHOT_IMAGES = frozenset({"clip", "siglip", "siglip2", "align", "chinese_clip", "altclip"})


@dataclass(frozen=True)
class ModelConfig:
    """The facts of a `config.json`; unknown texts are ""."""

    model_type: str
    architectures: tuple[str, ...]
    auto_model: str  # e.g. "AutoModelForSequenceClassification"
    id2label: dict[int, str]
    num_labels: int | None
    has_custom_code: bool  # it asks for `trust_remote_code`
    raw: dict[str, Json]


def read_config(data: bytes) -> ModelConfig:
    """The facts of a `config.json`.

    Raises:
        BadMetadata: it is no JSON object, or unreasonably large.
    """
    if len(data) > LONGEST_CONFIG_BYTES:
        raise BadMetadata(_("config.json is larger than %(value)s MiB.") % {"value": LONGEST_CONFIG_BYTES // 1024**2})
    raw = read_json(data, what="config.json")
    if not isinstance(raw, dict):
        raise BadMetadata(_("config.json is not an object."))
    listed = raw.get("architectures")
    architectures = tuple(name[:200] for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()
    id2label = _labels(raw.get("id2label"))
    return ModelConfig(
        model_type=_text(raw, "model_type"),
        architectures=architectures[:20],
        auto_model=_head(architectures)[1],
        id2label=id2label,
        num_labels=len(id2label) or _count(raw.get("num_labels")),
        has_custom_code=bool(raw.get("auto_map")),
        raw=raw,
    )


def task_of(config: ModelConfig | None, library: str = "") -> str:
    """The task (`pipeline_tag`) that the files speak for, "" when they leave it open."""
    if library == "sentence-transformers":
        return "sentence-similarity"
    if config is None:
        return ""
    kind, names = config.model_type, config.architectures
    task, _ = _head(names)
    if not task and kind in _ZERO_SHOT_IMAGES:
        task = "zero-shot-image-classification"
    if not task and any(name.endswith("ForConditionalGeneration") or name == "MarianMTModel" for name in names):
        task = _generation_task(kind, config)
    if not task and any(name.endswith("Model") for name in names):
        task = _embedding_task(kind)
    return task


def library_of(files: Iterable[str]) -> str:
    """The library that the file names speak for, "" when they leave it open."""
    names = set(files)
    for marker, library in (
        ("modules.json", "sentence-transformers"),
        ("config_sentence_transformers.json", "sentence-transformers"),
        ("model_index.json", "diffusers"),
        ("adapter_config.json", "peft"),
    ):
        if marker in names:
            return library
    suffixes = {name.rpartition(".")[2].lower() for name in names}
    if "config.json" in names and suffixes & {"safetensors", "bin", "h5", "msgpack", "index"}:
        return "transformers"
    return next((library for suffix, library in _LIBRARY_OF_SUFFIX.items() if suffix in suffixes), "")


def _head(architectures: tuple[str, ...]) -> tuple[str, str]:
    for name in architectures:
        for ending, task, auto_model in _HEADS:
            if name.endswith(ending):
                return task, auto_model
    return "", "AutoModel" if architectures else ""


def _generation_task(kind: str, config: ModelConfig) -> str:
    if kind in _SPEECH_TO_TEXT:
        return "automatic-speech-recognition"
    if kind in _TRANSLATION:
        return "translation"
    if kind in _TEXT_TO_TEXT:
        return "text2text-generation"
    return "image-text-to-text" if "vision_config" in config.raw else ""


def _embedding_task(kind: str) -> str:
    if kind in _TEXT_EMBEDDING:
        return "feature-extraction"
    return "image-feature-extraction" if kind in _IMAGE_EMBEDDING else ""


def _labels(value: Json) -> dict[int, str]:
    if not isinstance(value, dict) or len(value) > MOST_LABELS:
        return {}
    numbered = {int(key): label for key, label in value.items() if key.isascii() and key.isdigit() and len(key) < 8}
    return {key: label[:255] for key, label in sorted(numbered.items()) if isinstance(label, str)}


def _text(values: dict[str, Json], name: str) -> str:
    value = values.get(name)
    return value[:200] if isinstance(value, str) else ""


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_LABELS else None
