"""Texts that a model wrote, judged against reference texts.

A line of predictions.jsonl: {"id", "outputs": [{"text", "tokens", "truncated"}, …]}, `generation.repeats` outputs.
A row of gold: {"id", "references": [text, …], "cluster"?, "group"?, "language"?, …}.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.registry.generated import TEXTS
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import Gold, Sample, Statistic, items_of
from evaluation.metrics.texts import MEASURES
from evaluation.metrics.texts.filters import applied
from evaluation.metrics.texts.measure import Output, Written
from evaluation.metrics.totals import Totals, of_table

LONGEST_TEXT = 1_000_000  # characters of one output


@dataclass(frozen=True)
class GeneratedPredictions(Predictions):
    """outputs: of each item `generation.repeats` texts."""

    outputs: tuple[tuple[Output, ...], ...] = ()


@dataclass(frozen=True)
class TextSample(Sample):
    """Items with what the metrics count of their texts: the columns of all metrics side by side."""

    table: Floats
    columns: Mapping[str, slice]
    signatures: Mapping[str, str]

    @property
    def offers(self) -> frozenset[Need]:
        return TEXTS

    def per_item(self, use: MetricUse) -> Floats | None:
        if not REGISTRY[use.name].decomposable:
            return None
        values: Floats = self.table[:, self.columns[use.name]][:, 0]
        return values

    def statistic(self, use: MetricUse) -> Statistic:
        if REGISTRY[use.name].decomposable:
            return super().statistic(use)
        counts, value = self.table[:, self.columns[use.name]], MEASURES[use.name].value
        return lambda weights: value(weights @ counts)

    def totals(self, use: MetricUse) -> Totals[float] | None:
        if REGISTRY[use.name].decomposable:
            return None
        return of_table(self.table[:, self.columns[use.name]], MEASURES[use.name].value)

    def signature(self, use: MetricUse) -> str:
        return self.signatures[use.name]


def _read(definition: Definition, folder: Path) -> GeneratedPredictions:
    repeats = definition.generation.repeats if definition.generation else 1
    ids, outputs = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        key, texts = row.get("id"), row.get("outputs")
        if not isinstance(key, str) or not isinstance(texts, list) or len(texts) != repeats:
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or not exactly {repeats} texts.")
        ids.append(key)
        outputs.append(tuple(_output(text, number) for text in texts))
    return GeneratedPredictions(ids=tuple(ids), outputs=tuple(outputs))


def _output(body: object, number: int) -> Output:
    found = body if isinstance(body, dict) else {}
    text, tokens, truncated = found.get("text"), found.get("tokens"), found.get("truncated")
    if not isinstance(text, str) or type(tokens) is not int or tokens < 0 or not isinstance(truncated, bool):
        raise BadOutput(f"A text in line {number} of predictions.jsonl has no length or no word on its end.")
    if len(text) > LONGEST_TEXT:
        raise BadOutput(f"A text in line {number} of predictions.jsonl is longer than {LONGEST_TEXT} characters.")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can spell
        raise BadOutput(f"A text in line {number} of predictions.jsonl is not Unicode.") from error
    return Output(text=text, tokens=tokens, truncated=truncated)


def _sample(definition: Definition, gold: Gold, found: GeneratedPredictions, place: dict[str, int]) -> TextSample:
    outputs = [applied(definition.filters, found.outputs[place[row["id"]]]) for row in gold]
    parts: list[Floats] = []
    columns: dict[str, slice] = {}
    signatures: dict[str, str] = {}
    width = 0
    for use in definition.metrics:
        measure = MEASURES[use.name]
        params = {**REGISTRY[use.name].params, **use.params}
        written = Written(outputs=outputs, references=[row["references"] for row in gold], rows=gold, params=params)
        parts.append(measure.counts(written))
        columns[use.name] = slice(width, width + parts[-1].shape[1])
        signatures[use.name] = measure.signature(written)
        width += parts[-1].shape[1]
    return TextSample(
        **items_of(gold),
        table=np.hstack(parts),
        columns=columns,
        signatures=signatures,
    )


KIND = AnswerKind(read=_read, sample=_sample)
