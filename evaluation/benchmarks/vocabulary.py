"""The closed lists of words a definition may use."""

from typing import Literal

Task = Literal[
    "text-classification", "image-classification", "audio-classification", "token-classification",
    "question-answering", "summarization", "translation", "text-generation", "fill-mask", "retrieval",
    "bitext-mining", "object-detection", "image-segmentation", "automatic-speech-recognition",
    "image-to-text", "visual-question-answering", "zero-shot-classification", "feature-extraction",
    "zero-shot-image-classification", "image-text-retrieval", "image-feature-extraction",
]  # fmt: skip
RequestKind = Literal[
    "classify", "token-classify", "span", "generate", "loglikelihood", "rolling", "embed", "mask",
    "image-classify", "detect", "segment", "transcribe", "audio-classify", "caption", "vqa",
    "zero-shot", "features", "image-text-embed",
]  # fmt: skip

WHOLE: frozenset[RequestKind] = frozenset({"embed", "image-text-embed", "features"})
"""Requests whose items are compared with one another: a subset would be another benchmark."""
