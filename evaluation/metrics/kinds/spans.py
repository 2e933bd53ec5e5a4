"""One part of its context per item, or nothing.

A line of predictions.jsonl: {"id", "answer": text}. A row of gold: {"id", "answers": [text, …], "fields"?, …};
without answers the question has none.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.squad import exact, overlap_f1
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.spans import ANSWERS
from evaluation.metrics.samples import Gold, Sample, items_of

LONGEST_ANSWER = 10_000  # characters


@dataclass(frozen=True)
class SpanPredictions(Predictions):
    """answers: of each item a text, empty for none."""

    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpanSample(Sample):
    """Answered questions."""

    f1: Floats
    exact: Floats

    @property
    def offers(self) -> frozenset[Need]:
        return ANSWERS

    def per_item(self, use: MetricUse) -> Floats | None:
        return {"squad_f1": self.f1, "squad_exact_match": self.exact}[use.name]

    def signature(self, use: MetricUse) -> str:
        return "normaliser:squad|null_threshold:0"


def _read(definition: Definition, folder: Path) -> SpanPredictions:
    ids, answers = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, answer = row.get("id"), row.get("answer")
        if not isinstance(key, str) or not isinstance(answer, str):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no answer.")
        if len(answer) > LONGEST_ANSWER:
            raise BadOutput(f"The answer in line {number} of predictions.jsonl is longer than {LONGEST_ANSWER}.")
        ids.append(key)
        answers.append(answer)
    return SpanPredictions(ids=tuple(ids), answers=tuple(answers))


def _sample(definition: Definition, gold: Gold, found: SpanPredictions, place: dict[str, int]) -> SpanSample:
    pairs = [(found.answers[place[row["id"]]], row["answers"]) for row in gold]
    return SpanSample(
        **items_of(gold),
        f1=np.array([overlap_f1(answer, right) for answer, right in pairs]),
        exact=np.array([exact(answer, right) for answer, right in pairs]),
    )


KIND = AnswerKind(read=_read, sample=_sample)
