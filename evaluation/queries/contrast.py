"""Item by item: what was asked, what is right, what one run answered, and another."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.items import MEDIA_COLUMNS, Items
from evaluation.benchmarks.readers import opaque_names
from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput, NotComparable
from evaluation.metrics.answers import PREDICTIONS
from evaluation.metrics.predictions import sample_of
from evaluation.metrics.registry import REGISTRY
from evaluation.metrics.samples import Sample
from evaluation.models import Run
from evaluation.queries import answers
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.comparisons import have_the_same_items

Json = Mapping[str, Any]
MOST_ITEMS: Final = 200_000  # read at once for one request; beyond it there are the files of the run
NOT_AN_ANSWER: Final = frozenset({"id", "probs"})
WHICH: Final = ("first_worse", "second_worse", "both_wrong", "differ", "all")


@dataclass(frozen=True)
class ItemLine:
    """One item of one run. Data is empty where the reader may not see it."""

    id: str
    group: str
    score: float | None  # of the metric that is named beside the list; None: it has none per item
    asked: Json
    gold: Json
    answer: Json


@dataclass(frozen=True)
class Contrast:
    """One item of two runs."""

    first: ItemLine
    second: ItemLine

    @property
    def apart(self) -> float:
        return (self.first.score or 0.0) - (self.second.score or 0.0)


def item_lines(run: Run, *, with_data: bool) -> tuple[str, list[ItemLine]]:
    """The metric that is shown per item ("" where there is none), and all items in the order of the data.

    Raises:
        NotComparable: too many to list, or the data is not here any more.
    """
    definition = definition_of(run.benchmark)
    return _lines(run, definition, _items(run, definition), with_data=with_data)


def _items(run: Run, definition: Definition) -> Items:
    """Raises as `item_lines`."""
    if (run.provenance.get("rows_expected") or 0) > MOST_ITEMS:
        raise NotComparable(_("There are too many items to list; download the predictions of the run."))
    try:
        return answers.items_of(run, definition)
    except (DataUnavailable, BadOutput) as problem:
        raise NotComparable(str(problem)) from problem


def _lines(run: Run, definition: Definition, items: Items, *, with_data: bool) -> tuple[str, list[ItemLine]]:
    """As `item_lines`, over items at hand."""
    try:
        sample, said = _read(run, definition, items, with_data=with_data)
    except BadOutput as problem:
        raise NotComparable(str(problem)) from problem
    use = shown_metric(definition, sample)
    scores = sample.per_item(use) if use is not None else None
    asked = _asked(items) if with_data else {}
    lines = [
        ItemLine(
            id=str(row["id"]),
            group=sample.groups[at] if with_data else "",  # a column of the data
            score=None if scores is None else float(scores[at]),
            asked=asked.get(str(row["id"]), {}),
            gold=_without(row, {"id", "group", "cluster", "chars"}) if with_data else {},
            answer=said.get(str(row["id"]), {}),
        )
        for at, row in enumerate(sample.rows)
    ]
    return (use.name if use is not None else ""), lines


def _read(run: Run, definition: Definition, items: Items, *, with_data: bool) -> tuple[Sample, dict[str, Json]]:
    with tempfile.TemporaryDirectory(prefix="items-") as name:
        folder = Path(name)
        answers.fetch_outputs(run, folder)
        sample = sample_of(definition, items.gold, answers.read_answers(run, definition, items, folder))
        said = _said(folder, opaque_names(items, str(run.item_seed))) if with_data else {}
    return sample, said


def contrasts(first: Run, second: Run, *, which: str, with_data: bool) -> tuple[str, list[Contrast]]:
    """The items on which two runs differ as asked, the widest apart first.

    Raises:
        NotComparable: other items, or a metric that has no value per item.
    """
    if first.benchmark_id != second.benchmark_id or not have_the_same_items(first, second):
        raise NotComparable(_("The two were not asked about the same items."))
    definition = definition_of(first.benchmark)
    items = _items(first, definition)
    metric, own = _lines(first, definition, items, with_data=with_data)
    _same, other = _lines(second, definition, items, with_data=with_data)
    if not metric:
        raise NotComparable(_("The metrics of this benchmark have no value per item."))
    sign = 1 if REGISTRY[metric].higher_is_better else -1
    pairs = [Contrast(line, beside) for line, beside in zip(own, other, strict=True)]
    chosen = [pair for pair in pairs if _is_wanted(pair, which, sign)]
    return metric, sorted(chosen, key=lambda pair: -abs(pair.apart))  # stable: then in the order of the data


def shown_metric(definition: Definition, sample: Sample) -> MetricUse | None:
    """The primary metric, or the first that says something of a single item."""
    uses = sorted(definition.metrics, key=lambda use: not use.primary)
    usable = (use for use in uses if REGISTRY[use.name].needs <= sample.offers and REGISTRY[use.name].decomposable)
    return next((use for use in usable if sample.per_item(use) is not None), None)


def _is_wanted(pair: Contrast, which: str, sign: int) -> bool:
    apart = sign * pair.apart
    if which == "first_worse":
        return apart < 0
    if which == "second_worse":
        return apart > 0
    if which == "both_wrong":
        return pair.first.score == 0 and pair.second.score == 0
    return apart != 0 if which == "differ" else True


def _asked(items: Items) -> dict[str, Json]:
    """Inputs by id, without their media: those stay in the data set."""
    return {str(row["id"]): _without(row, {"id", *MEDIA_COLUMNS}) for row in items.inputs}


def _said(folder: Path, names: Mapping[str, str]) -> dict[str, Json]:
    """What the run wrote of each item, by the item's own id; nothing where answers are not lines."""
    path = folder / PREDICTIONS
    if not path.is_file():
        return {}
    own = {opaque: key for key, opaque in names.items()}
    said: dict[str, Json] = {}
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)  # it was scored, so it can be read
            if row["id"] not in own:  # a perturbed copy
                continue
            answer = _without(row, NOT_AN_ANSWER)
            probabilities = row.get("probs")
            said[own[row["id"]]] = {**answer, "confidence": max(probabilities)} if probabilities else answer
    return said


def _without(row: Json, names: set[str] | frozenset[str]) -> Json:
    return {key: value for key, value in row.items() if key not in names and not isinstance(value, bytes)}
