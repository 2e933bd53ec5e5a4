"""The kinds of answers there are: how each is read, and how it is judged against gold.

A new request of the runner needs three things on this side: a file with `KIND`, its line in `KINDS`, and its
metrics in `metrics.registry`.
"""

from typing import Any

from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.vocabulary import RequestKind
from evaluation.metrics.kinds import (
    boxes,
    captions,
    embeddings,
    features,
    generated,
    labels,
    likelihoods,
    maps,
    masks,
    multilabel,
    rolling,
    short_answers,
    spans,
    tokens,
    transcripts,
)
from evaluation.metrics.kinds.kind import AnswerKind

KINDS: dict[RequestKind, AnswerKind[Any]] = {
    "classify": labels.KIND,
    "image-classify": labels.KIND,
    "audio-classify": labels.KIND,
    "detect": boxes.KIND,
    "embed": embeddings.KIND,
    "generate": generated.KIND,
    "loglikelihood": likelihoods.KIND,
    "rolling": rolling.KIND,
    "mask": masks.KIND,
    "span": spans.KIND,
    "token-classify": tokens.KIND,
    "segment": maps.KIND,
    "transcribe": transcripts.KIND,
    "zero-shot": labels.KIND,
    "image-text-embed": embeddings.KIND,
    "features": features.KIND,
    "caption": captions.KIND,
    "vqa": short_answers.KIND,
}


def kind_of(definition: Definition) -> AnswerKind[Any] | None:
    """The kind of answer a definition asks for; None when it cannot be scored here."""
    return multilabel.KIND if definition.multi_label else KINDS.get(definition.request)
