"""How likely whole texts are: the fewer bits a model needs for them, the better it knows the language.

A line of predictions.jsonl: {"id", "logprob": nats, "tokens": how many it was made of}.
A row of gold: {"id", "bytes", "words", …} of the text.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.perplexity import perplexity
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.kinds.likelihoods import is_logprob
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.registry.perplexity import RUNNING_TEXT
from evaluation.metrics.samples import Gold, Sample, Statistic, items_of


@dataclass(frozen=True)
class RollingPredictions(Predictions):
    """Of each text its log-probability."""

    logprobs: tuple[float, ...] = ()


@dataclass(frozen=True)
class RollingSample(Sample):
    """Texts with their log-probability and what it is divided by."""

    logprobs: Floats
    bytes: Floats
    words: Floats

    @property
    def offers(self) -> frozenset[Need]:
        return RUNNING_TEXT

    def per_item(self, use: MetricUse) -> Floats | None:
        return None  # long texts count more: all are sums over the corpus

    def statistic(self, use: MetricUse) -> Statistic:
        units = self.words if use.name == "word_perplexity" else self.bytes

        def nats(weights: Floats) -> float:
            """Per byte or word."""
            return float(-(weights @ self.logprobs) / (weights @ units))

        if use.name == "bits_per_byte":
            return lambda weights: nats(weights) / math.log(2)
        return lambda weights: perplexity(nats(weights))


def _read(definition: Definition, folder: Path) -> RollingPredictions:
    ids, logprobs = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, value = row.get("id"), row.get("logprob")
        if not isinstance(key, str) or not is_logprob(value):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no logarithm of a probability.")
        ids.append(key)
        logprobs.append(float(row["logprob"]))
    return RollingPredictions(ids=tuple(ids), logprobs=tuple(logprobs))


def _sample(definition: Definition, gold: Gold, found: RollingPredictions, place: dict[str, int]) -> RollingSample:
    return RollingSample(
        **items_of(gold),
        logprobs=np.array([found.logprobs[place[row["id"]]] for row in gold]),
        bytes=np.array([float(row["bytes"]) for row in gold]),
        words=np.array([float(row["words"]) for row in gold]),
    )


KIND = AnswerKind(read=_read, sample=_sample)
