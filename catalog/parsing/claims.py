"""Scores that a card claims in `model-index`; nobody here has checked them.

Source: huggingface_hub 2.4, repocard_data.py (model_index_to_eval_results).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from catalog.parsing.front_matter import Problem
from catalog.parsing.json_values import Json

MOST_CLAIMS: Final = 500
MOST_ARGS: Final = 20  # of one claim
LONGEST_ARG: Final = 60  # characters of a name
_LONGEST = 255


@dataclass(frozen=True)
class Claim:
    """One stated score. Names are as the card gives them; unknown texts are ""."""

    task: str
    dataset: str  # id of the dataset, e.g. "glue"
    dataset_name: str
    config: str
    split: str
    metric: str  # type of the metric, e.g. "accuracy"
    metric_name: str
    value: float
    source_name: str
    source_url: str
    revision: str = ""  # of the data
    args: dict[str, str] = field(default_factory=dict)  # how it was measured: shots, normaliser, …


def read_claims(index: Json, problems: list[Problem]) -> Iterator[Claim]:
    """The claims of a `model-index`; what does not fit is left out and noted once."""
    if index is None:
        return
    if not isinstance(index, list):
        problems.append(Problem("model-index", _("It must be a list.")))
        return
    found = skipped = 0
    for result, metric in _metrics(index):
        value = _number(metric.get("value"))
        if value is None or not _text(metric, "type"):
            skipped += 1
            continue
        found += 1
        if found > MOST_CLAIMS:
            problems.append(
                Problem(
                    "model-index", _("Only the first %(most_claims)s scores are read.") % {"most_claims": MOST_CLAIMS}
                )
            )
            return
        yield _claim(result, metric, value)
    if skipped:
        problems.append(
            Problem(
                "model-index", _("%(skipped)s scores have no metric type or no number as value.") % {"skipped": skipped}
            )
        )
    elif not found:
        problems.append(Problem("model-index", _("It holds no results with metrics.")))


def _metrics(index: Json) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
    """Each result with each of its metrics."""
    for model in _dicts(index):
        for result in _dicts(model.get("results")):
            for metric in _dicts(result.get("metrics")):
                yield result, metric


def _claim(result: dict[str, Json], metric: dict[str, Json], value: float) -> Claim:
    task, dataset, source = _dict(result.get("task")), _dict(result.get("dataset")), _dict(result.get("source"))
    return Claim(
        task=_text(task, "type"),
        dataset=_text(dataset, "type"),
        dataset_name=_text(dataset, "name"),
        config=_text(dataset, "config"),
        split=_text(dataset, "split"),
        metric=_text(metric, "type"),
        metric_name=_text(metric, "name"),
        value=value,
        source_name=_text(source, "name"),
        source_url=_text(source, "url"),
        revision=_text(dataset, "revision"),
        args={**_args(dataset), **_args(metric)},
    )


def _args(values: dict[str, Json]) -> dict[str, str]:
    """Plain settings of a data set or metric; lists and objects say nothing that could be compared."""
    found = _dict(values.get("args"))
    named = [name for name in list(found)[:MOST_ARGS] if len(str(name)) <= LONGEST_ARG]
    return {str(name): text for name in named if (text := _text(found, name))}


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _text(values: dict[str, Json], name: str) -> str:
    value = values.get(name)
    return str(value)[:_LONGEST] if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
        return None
    try:
        number = float(str(value).strip().removesuffix("%"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
