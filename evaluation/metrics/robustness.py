"""What perturbations cost: the same items asked once more in a changed form, by the same gold (evaluation-notes 6).

Drops are of pairs: on each bootstrap draw both are computed over the same items.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks.perturbing import kinds_for
from evaluation.benchmarks.perturbing.checking import SLICE
from evaluation.benchmarks.schema import Definition, MetricUse, Perturbation
from evaluation.metrics.arrays import Floats
from evaluation.metrics.drawing import Draws
from evaluation.metrics.judgement import MetricValue
from evaluation.metrics.registry import DERIVED, REGISTRY
from evaluation.metrics.resampling import Resampler, value_of
from evaluation.metrics.samples import Sample

Json = dict[str, Any]


def slice_of(use: Perturbation) -> str:
    """What the scores of a perturbation stand under."""
    return f"{SLICE}:{use.name}"


def robustness(
    definition: Definition, uses: Sequence[MetricUse], sample: Sample, copies: Mapping[str, Sample], draws: Draws
) -> tuple[list[MetricValue], list[Json]]:
    """Drops and the worse of both, for each perturbation that was answered; and what was done.

    Args:
        copies: by perturbation, with the items in the order of `sample`.
    """
    values: list[MetricValue] = []
    said: list[Json] = []
    known = kinds_for(definition.request)
    for one in definition.perturbations:
        if one.name not in copies:
            continue
        for use in uses:
            values += _compared(definition, use, (sample, copies[one.name]), slice_of(one), draws)
        p = known[one.name].p if one.p is None else one.p
        said.append({"name": one.name, "slice": slice_of(one), "role": one.role, "seed": one.seed, "p": p})
    return values, said


def _compared(
    definition: Definition, use: MetricUse, samples: tuple[Sample, Sample], slice_name: str, shared: Draws
) -> Iterator[MetricValue]:
    sample, copy = samples
    asked, sign = definition.uncertainty, 1 if REGISTRY[use.name].higher_is_better else -1
    resampler = Resampler.of(sample, shared)
    clean, changed = value_of(sample, use), value_of(copy, use)
    numbers = [resampler.metric(sample, use), resampler.metric(copy, use)]
    own, other = sample.per_item(use), copy.per_item(use)
    found: list[tuple[str, float]] = []
    if own is not None and other is not None:
        worse = np.minimum(own, other) if sign > 0 else np.maximum(own, other)
        numbers.append(resampler.mean(worse, np.arange(len(sample))))
        found.append((f"{use.name}_worst", float(worse.mean())))
    draws = resampler.draws(numbers)
    columns: dict[str, Floats] = {f"{use.name}_worst": draws[:, -1]}
    if clean > 0 and f"{use.name}_drop" in DERIVED:
        columns[f"{use.name}_drop"] = _drop(draws[:, 0], draws[:, 1], sign)
        found.insert(0, (f"{use.name}_drop", sign * (clean - changed) / clean))
    for name, value in found:
        interval = resampler.interval(columns[name], asked.level)
        if interval is not None:
            yield MetricValue(
                metric=name,
                value=value,
                low=interval.low,
                high=interval.high,
                n=len(sample),
                slice=slice_name,
                method=f"paired {interval.method}" if name.endswith("_drop") else interval.method,
            )


def _drop(clean: Floats, changed: Floats, sign: int) -> Floats:
    found: Floats = np.divide(sign * (clean - changed), clean, out=np.full(len(clean), np.nan), where=clean > 0)
    return found
