"""How likely each choice of an item is; the likeliest is the model's answer.

A line of predictions.jsonl: {"id", "logprobs": [nats, …], "greedy": [whether it would have been written, …]}.
A row of gold: {"id", "answer": number of the right choice, "choice_chars": [length, …], "choice_bytes": […], …}.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.choices import CHOICES
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import Gold, Sample, items_of

ROUNDING = 1e-3  # nats by which a probability may pass 1


@dataclass(frozen=True)
class LikelihoodPredictions(Predictions):
    """Of each item the log-probability of every continuation, and whether it is what the model would write."""

    logprobs: tuple[tuple[float, ...], ...] = ()
    greedy: tuple[tuple[bool, ...], ...] = ()


@dataclass(frozen=True)
class ChoiceSample(Sample):
    """Items with the choices that the model takes by different measures; 1 is right, 0 is wrong."""

    acc: Floats
    acc_norm: Floats
    acc_bytes: Floats
    chance: Floats  # the share of right answers that guessing gives

    @property
    def offers(self) -> frozenset[Need]:
        return CHOICES

    def per_item(self, use: MetricUse) -> Floats | None:
        if use.name == "acc_rescaled":
            return (self.acc - self.chance) / (1 - self.chance)
        return {"acc": self.acc, "acc_norm": self.acc_norm, "acc_bytes": self.acc_bytes}[use.name]


def _read(definition: Definition, folder: Path) -> LikelihoodPredictions:
    ids, logprobs, greedy = [], [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, values, flags = row.get("id"), row.get("logprobs"), row.get("greedy")
        if not isinstance(key, str) or not isinstance(values, list) or not isinstance(flags, list):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no log-probabilities.")
        if len(values) != len(flags) or not all(isinstance(flag, bool) for flag in flags):
            raise BadOutput(
                f"Line {number} of predictions.jsonl does not say of each continuation whether it is greedy."
            )
        if not all(is_logprob(value) for value in values):
            raise BadOutput(f"Line {number} of predictions.jsonl holds numbers that are no logarithm of a probability.")
        ids.append(key)
        logprobs.append(tuple(map(float, values)))
        greedy.append(tuple(flags))
    return LikelihoodPredictions(ids=tuple(ids), logprobs=tuple(logprobs), greedy=tuple(greedy))


def is_logprob(value: object) -> bool:
    """Whether it is a finite number, and the logarithm of something up to 1."""
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value) and value <= ROUNDING


def _sample(definition: Definition, gold: Gold, found: LikelihoodPredictions, place: dict[str, int]) -> ChoiceSample:
    hits: list[tuple[float, float, float, float]] = []
    for row in gold:
        values = np.array(found.logprobs[place[row["id"]]])
        if len(values) != len(row["choice_chars"]):
            raise BadOutput(f"The run judged {len(values)} choices of an item that has {len(row['choice_chars'])}.")
        lengths = (np.ones(len(values)), np.array(row["choice_chars"]), np.array(row["choice_bytes"]))
        # The first of equals, as argmax in lm_eval.
        right = [float(np.argmax(values / length) == row["answer"]) for length in lengths]
        hits.append((right[0], right[1], right[2], 1 / len(values)))
    acc, acc_norm, acc_bytes, chance = np.array(hits).T
    return ChoiceSample(
        **items_of(gold),
        acc=acc,
        acc_norm=acc_norm,
        acc_bytes=acc_bytes,
        chance=chance,
    )


KIND = AnswerKind(read=_read, sample=_sample)
