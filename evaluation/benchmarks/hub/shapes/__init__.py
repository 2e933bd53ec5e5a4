"""What the rows of a dataset become for each request: one file per family, one line in `SHAPES`."""

from evaluation.benchmarks.hub.shapes import described, drawn, labelled, marked, paired, probed, prompted
from evaluation.benchmarks.hub.shapes.shape import Shape
from evaluation.benchmarks.vocabulary import RequestKind

SHAPES: dict[RequestKind, Shape] = {
    "classify": labelled.texts,
    "image-classify": labelled.images,
    "audio-classify": labelled.recordings,
    "zero-shot": labelled.images,
    "token-classify": marked.words,
    "span": marked.spans,
    "mask": marked.gaps,
    "embed": paired.texts,
    "transcribe": described.transcripts,
    "caption": described.captions,
    "vqa": described.questions,
    "detect": drawn.boxes,
    "features": probed.images,
    "loglikelihood": prompted.prompts,
    "generate": prompted.prompts,
    "rolling": prompted.texts,
}
"""Requests whose items are made of datasets here."""
