"""The task ids of the Hub (`pipeline_tag`), by modality. Labels for people are the pages' business.

Source of the ids: huggingface.co/tasks and the hub's model filters.
"""

from __future__ import annotations

from typing import Final

_TEXT = """
    text-classification token-classification question-answering table-question-answering zero-shot-classification
    translation summarization feature-extraction text-generation fill-mask sentence-similarity text-ranking
    text2text-generation
"""
_VISION = """
    image-classification object-detection image-segmentation depth-estimation image-feature-extraction
    keypoint-detection mask-generation zero-shot-image-classification zero-shot-object-detection text-to-image
    image-to-text image-to-image image-to-video text-to-video video-to-video video-classification text-to-3d
    image-to-3d unconditional-image-generation
"""
_AUDIO = """
    automatic-speech-recognition text-to-speech text-to-audio audio-classification audio-to-audio
    voice-activity-detection
"""
_MULTIMODAL = """
    image-text-to-text audio-text-to-text video-text-to-text visual-question-answering document-question-answering
    visual-document-retrieval image-text-to-image image-text-to-video any-to-any
"""

TASKS_BY_MODALITY: Final[dict[str, tuple[str, ...]]] = {
    "text": tuple(_TEXT.split()),
    "vision": tuple(_VISION.split()),
    "audio": tuple(_AUDIO.split()),
    "multimodal": tuple(_MULTIMODAL.split()),
    "tabular": ("tabular-classification", "tabular-regression", "time-series-forecasting"),
    "rl": ("reinforcement-learning", "robotics"),
    "other": ("graph-ml", "other"),
}

TASKS: Final[frozenset[str]] = frozenset(task for tasks in TASKS_BY_MODALITY.values() for task in tasks)

_MODALITY = {task: modality for modality, tasks in TASKS_BY_MODALITY.items() for task in tasks}


def modality_of(task: str) -> str:
    """The modality of a task id; what the list does not know is "other"."""
    return _MODALITY.get(task, "other")
