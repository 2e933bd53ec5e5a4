"""One text per sound, compared word by word and sign by sign over the whole corpus."""

from dataclasses import dataclass

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.edits import edits
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.kinds.written import TextPredictions, normaliser_of, read_texts, signature_of
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.transcripts import TRANSCRIPTS
from evaluation.metrics.samples import Gold, Sample, Statistic, items_of


@dataclass(frozen=True)
class TranscriptSample(Sample):
    """Edits and lengths of each item: sums over the items drawn give every metric."""

    words: Floats  # of the reference
    signs: Floats
    substitutions: Floats
    deletions: Floats
    insertions: Floats
    sign_edits: Floats

    normaliser: str

    @property
    def offers(self) -> frozenset[Need]:
        return TRANSCRIPTS

    def signature(self, use: MetricUse) -> str:
        return self.normaliser

    def per_item(self, use: MetricUse) -> Floats | None:
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        edits, length = {
            "wer": (self.substitutions + self.deletions + self.insertions, self.words),
            "cer": (self.sign_edits, self.signs),
            "substitutions": (self.substitutions, self.words),
            "deletions": (self.deletions, self.words),
            "insertions": (self.insertions, self.words),
        }[use.name]
        return lambda weights: float(weights @ edits) / max(float(weights @ length), 1.0)


def _sample(definition: Definition, gold: Gold, found: TextPredictions, place: dict[str, int]) -> TranscriptSample:
    normalise = normaliser_of(definition)
    columns = []
    for row in gold:
        wanted, heard = normalise(row["reference"]), normalise(found.texts[place[row["id"]]])
        by_word, by_sign = edits(wanted.split(), heard.split()), edits(wanted, heard)
        columns.append((len(wanted.split()), len(wanted), *by_word, by_sign.total))
    words, signs, substitutions, deletions, insertions, sign_edits = np.array(columns, dtype=np.float64).T
    return TranscriptSample(
        **items_of(gold),
        normaliser=signature_of(definition),
        words=words,
        signs=signs,
        substitutions=substitutions,
        deletions=deletions,
        insertions=insertions,
        sign_edits=sign_edits,
    )


KIND = AnswerKind(read=read_texts, sample=_sample)
