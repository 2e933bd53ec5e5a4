"""One caption per image, compared with what several people wrote."""

from dataclasses import dataclass

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.bleu import bleu, bleu_counts
from evaluation.metrics.formulas.cider import cider
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.kinds.written import TextPredictions, normaliser_of, read_texts, signature_of
from evaluation.metrics.registry.captions import CAPTIONS
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import Gold, Sample, Statistic, items_of


@dataclass(frozen=True)
class CaptionSample(Sample):
    cider: Floats  # against the n-grams of all references of the benchmark, also in a slice
    bleu: Floats  # (images, counts)

    normaliser: str

    @property
    def offers(self) -> frozenset[Need]:
        return CAPTIONS

    def signature(self, use: MetricUse) -> str:
        return self.normaliser

    def per_item(self, use: MetricUse) -> Floats | None:
        return self.cider if use.name == "cider" else None

    def statistic(self, use: MetricUse) -> Statistic:
        return (lambda weights: bleu(weights @ self.bleu)) if use.name == "bleu4" else super().statistic(use)


def _sample(definition: Definition, gold: Gold, found: TextPredictions, place: dict[str, int]) -> CaptionSample:
    normalise = normaliser_of(definition)
    references = [[normalise(text).split() for text in row["references"]] for row in gold]
    written = [normalise(found.texts[place[row["id"]]]).split() for row in gold]
    return CaptionSample(
        **items_of(gold),
        normaliser=signature_of(definition),
        cider=cider(references, written),
        bleu=np.array([bleu_counts(own, words) for own, words in zip(references, written, strict=True)]),
    )


KIND = AnswerKind(read=read_texts, sample=_sample)
