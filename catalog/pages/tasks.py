"""The Hub's task names (`pipeline_tag`), grouped by modality, with the words people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


@dataclass(frozen=True)
class Modality:
    """One group of tasks; `icon` is a symbol of static/img/icons.svg."""

    label: StrPromise
    icon: str
    tasks: dict[str, StrPromise]


MODALITIES = (
    Modality(
        _("Text"),
        "text",
        {
            "text-classification": _("Text classification"),
            "token-classification": _("Token classification"),
            "text-generation": _("Text generation"),
            "question-answering": _("Question answering"),
            "summarization": _("Summarisation"),
            "translation": _("Translation"),
            "fill-mask": _("Fill-mask"),
            "zero-shot-classification": _("Zero-shot classification"),
            "table-question-answering": _("Table question answering"),
        },
    ),
    Modality(
        _("Embeddings"),
        "vector",
        {
            "sentence-similarity": _("Sentence similarity"),
            "feature-extraction": _("Feature extraction"),
            "text-ranking": _("Text ranking"),
            "image-feature-extraction": _("Image feature extraction"),
        },
    ),
    Modality(
        _("Vision"),
        "image",
        {
            "image-classification": _("Image classification"),
            "object-detection": _("Object detection"),
            "image-segmentation": _("Image segmentation"),
            "depth-estimation": _("Depth estimation"),
            "text-to-image": _("Text to image"),
            "image-to-image": _("Image to image"),
            "video-classification": _("Video classification"),
            "text-to-video": _("Text to video"),
            "mask-generation": _("Mask generation"),
            "keypoint-detection": _("Keypoint detection"),
            "zero-shot-image-classification": _("Zero-shot image classification"),
        },
    ),
    Modality(
        _("Audio"),
        "audio",
        {
            "automatic-speech-recognition": _("Speech recognition"),
            "audio-classification": _("Audio classification"),
            "text-to-speech": _("Text to speech"),
            "text-to-audio": _("Text to audio"),
            "audio-to-audio": _("Audio to audio"),
            "voice-activity-detection": _("Voice activity detection"),
        },
    ),
    Modality(
        _("Multimodal"),
        "blocks",
        {
            "image-text-to-text": _("Image and text to text"),
            "image-to-text": _("Image to text"),
            "visual-question-answering": _("Visual question answering"),
            "document-question-answering": _("Document question answering"),
            "audio-text-to-text": _("Audio and text to text"),
            "any-to-any": _("Any to any"),
        },
    ),
    Modality(
        _("Tabular and time series"),
        "table",
        {
            "tabular-classification": _("Tabular classification"),
            "tabular-regression": _("Tabular regression"),
            "time-series-forecasting": _("Time series forecasting"),
        },
    ),
    Modality(
        _("Decisions"),
        "game",
        {
            "reinforcement-learning": _("Reinforcement learning"),
            "robotics": _("Robotics"),
            "graph-ml": _("Graph machine learning"),
        },
    ),
)

_ICONS_OF_BENCHMARKS = {"bitext-mining": "vector", "retrieval": "vector"}
_BY_TASK = {task: (label, modality) for modality in MODALITIES for task, label in modality.tasks.items()}


def label_of(task: str) -> str:
    """Words for a task; one we do not know is shown as written, with spaces."""
    known = _BY_TASK.get(task)
    return str(known[0]) if known else task.replace("-", " ").capitalize()


def icon_of(task: str) -> str:
    known = _BY_TASK.get(task)
    return known[1].icon if known else _ICONS_OF_BENCHMARKS.get(task, "box")
