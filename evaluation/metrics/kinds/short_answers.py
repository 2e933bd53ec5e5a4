"""One short answer per question, compared with the answers of ten people."""

from dataclasses import dataclass

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.vqa import vqa_accuracy
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.kinds.written import TextPredictions, normaliser_of, read_texts, signature_of
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.short_answers import SHORT_ANSWERS
from evaluation.metrics.samples import Gold, Sample, items_of


@dataclass(frozen=True)
class ShortAnswerSample(Sample):
    agreement: Floats

    normaliser: str

    @property
    def offers(self) -> frozenset[Need]:
        return SHORT_ANSWERS

    def signature(self, use: MetricUse) -> str:
        return self.normaliser

    def per_item(self, use: MetricUse) -> Floats | None:
        return self.agreement


def _sample(definition: Definition, gold: Gold, found: TextPredictions, place: dict[str, int]) -> ShortAnswerSample:
    normalise = normaliser_of(definition)
    agreement = [
        vqa_accuracy([normalise(answer) for answer in row["answers"]], normalise(found.texts[place[row["id"]]]))
        for row in gold
    ]
    return ShortAnswerSample(
        **items_of(gold),
        normaliser=signature_of(definition),
        agreement=np.array(agreement),
    )


KIND = AnswerKind(read=read_texts, sample=_sample)
