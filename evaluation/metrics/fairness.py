"""What lies between the groups of a slice with `role: fairness` (evaluation-notes 6).

The groups that stand farthest apart are named, and the interval is that of the difference between these two: it holds
zero where chance may have put them so. With many groups the two extremes are apart by chance alone more often than
the level says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse, Slice
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.divisions import least_of, members, size_of
from evaluation.metrics.drawing import Draws
from evaluation.metrics.formulas.confusion import confusion
from evaluation.metrics.judgement import MetricValue
from evaluation.metrics.registry import DERIVED, REGISTRY
from evaluation.metrics.resampling import Resampler, value_of
from evaluation.metrics.samples import Decisions, Sample

Json = dict[str, Any]
Groups = Mapping[str, Ints]


@dataclass(frozen=True)
class Pair:
    """The two groups between which a rate or metric differs most."""

    figure: str
    high: str
    low: str
    value: float  # of the high one minus that of the low one
    of_class: str = ""

    def said(self, worst: str | None) -> Json:
        found: Json = {"figure": self.figure, "high": self.high, "low": self.low, "worst": worst}
        return found | ({"class": self.of_class} if self.of_class else {})


def compared(
    definition: Definition, uses: Sequence[MetricUse], sample: Sample, draws: Draws
) -> tuple[list[MetricValue], list[Json]]:
    """Figures between groups, and who they are about: for each slice that asks for it."""
    values: list[MetricValue] = []
    said: list[Json] = []
    for part in definition.slices:
        if part.role == "fairness":
            found, about = _Division(definition, part, sample, draws).compared(uses)
            values += found
            said.append(about)
    return values, said


class _Division:
    """The groups of one slice."""

    def __init__(self, definition: Definition, part: Slice, sample: Sample, draws: Draws) -> None:
        """Tells the groups that are large enough from those that are not."""
        self.part, self.sample, self.level = part, sample, definition.uncertainty.level
        self.least = least_of(part)
        everyone = dict(members(part, sample))
        self.sizes = {name: size_of(sample, chosen, part) for name, chosen in everyone.items()}
        self.groups = {name: chosen for name, chosen in everyone.items() if self.sizes[name] >= self.least}
        self.resampler = Resampler.of(sample, draws)
        self.n = sum(len(chosen) for chosen in self.groups.values())

    def compared(self, uses: Sequence[MetricUse]) -> tuple[list[MetricValue], Json]:
        """Nothing is compared where fewer than two groups are large enough."""
        small = [{"name": name, "n": n} for name, n in self.sizes.items() if name not in self.groups]
        about: Json = {"slice": self.part.name, "least": self.least, "groups": list(self.groups), "too_few": small}
        figures: list[Json] = []
        values: list[MetricValue] = []
        if len(self.groups) >= 2:
            for value, said in (*self._of_metrics(uses), *self._of_decisions()):
                values.append(value)
                figures.append(said)
        return values, about | {"figures": figures}

    def _of_metrics(self, uses: Sequence[MetricUse]) -> Iterator[tuple[MetricValue, Json]]:
        taken = {name: self.sample.take(chosen) for name, chosen in self.groups.items()}
        for use in uses:
            of_group = {name: value_of(smaller, use) for name, smaller in taken.items()}
            high, low = _ends(of_group)
            worst = low if REGISTRY[use.name].higher_is_better else high
            draws = self.resampler.draws(
                [self.resampler.metric(taken[name], use, self.groups[name]) for name in (high, low)]
            )
            gap = Pair(f"{use.name}_gap", high, low, of_group[high] - of_group[low])
            yield from self._figure(gap, draws[:, 0] - draws[:, 1], worst)
            if f"{use.name}_ratio" in DERIVED and of_group[high] > 0:
                ratio = Pair(f"{use.name}_ratio", high, low, of_group[low] / of_group[high])
                yield from self._figure(ratio, _divided(draws[:, 1], draws[:, 0]), worst)

    def _of_decisions(self) -> Iterator[tuple[MetricValue, Json]]:
        """Of classified items: rates of errors, and with two classes how often the second is given."""
        decided = self.sample.decisions
        if decided is None:
            return
        if len(decided.names) == 2:
            taken = {name: float(decided.predicted[chosen].mean()) for name, chosen in self.groups.items()}
            high, low = _ends(taken)
            draws = self._rates((decided.predicted == 1).astype(float), self.groups, (high, low))
            pair = Pair("selection_rate_difference", high, low, taken[high] - taken[low])
            yield from self._figure(pair, draws[:, 0] - draws[:, 1], None)
        both = [_widest_of(decided, self.groups, self.least, right=right) for right in (True, False)]
        widest = [pair for pair in both if pair is not None]
        for pair in widest:
            yield from self._odds(decided, pair, pair.figure)
        if len(widest) == 2:
            yield from self._odds(decided, max(widest, key=lambda pair: pair.value), "equalized_odds_difference")

    def _odds(self, decided: Decisions, pair: Pair, figure: str) -> Iterator[tuple[MetricValue, Json]]:
        number, is_true = decided.names.index(pair.of_class), pair.figure == "tpr_gap"
        concerned = {name: chosen[(decided.gold[chosen] == number) == is_true] for name, chosen in self.groups.items()}
        draws = self._rates((decided.predicted == number).astype(float), concerned, (pair.high, pair.low))
        shown = Pair(figure, pair.high, pair.low, pair.value, pair.of_class)
        yield from self._figure(shown, draws[:, 0] - draws[:, 1], pair.low if is_true else pair.high)

    def _rates(self, hits: Floats, groups: Groups, names: tuple[str, str]) -> Floats:
        return self.resampler.draws([self.resampler.mean(hits[groups[name]], groups[name]) for name in names])

    def _figure(self, pair: Pair, draws: Floats, worst: str | None) -> Iterator[tuple[MetricValue, Json]]:
        interval = self.resampler.interval(draws, self.level)
        if interval is None:
            return
        value = MetricValue(
            metric=pair.figure,
            value=pair.value,
            low=interval.low,
            high=interval.high,
            n=self.n,
            slice=self.part.name,
            method=interval.method,
        )
        yield value, pair.said(worst)


def _widest_of(decided: Decisions, groups: Groups, least: int, *, right: bool) -> Pair | None:
    """The class whose true (`right`) or false positive rate differs most between groups, and these groups.

    Only groups with enough items to have such a rate of a class are compared; None where no class has two.
    """
    classes = len(decided.names)
    rates = {}
    for name, chosen in groups.items():
        cells = confusion(decided.gold[chosen], decided.predicted[chosen], classes)
        hits = np.diag(cells)
        of = cells.sum(axis=1) if right else len(chosen) - cells.sum(axis=1)
        given = hits if right else cells.sum(axis=0) - hits
        rates[name] = np.where(of >= least, given / np.maximum(of, 1), np.nan)
    found = []
    for number in [1] if classes == 2 else range(classes):  # of two classes the second is "positive"
        of_group = {name: float(rate[number]) for name, rate in rates.items() if np.isfinite(rate[number])}
        if len(of_group) >= 2:
            high, low = _ends(of_group)
            figure = "tpr_gap" if right else "fpr_gap"
            found.append(Pair(figure, high, low, of_group[high] - of_group[low], decided.names[number]))
    return max(found, key=lambda pair: pair.value, default=None)


def _ends(of_group: Mapping[str, float]) -> tuple[str, str]:
    """The groups with the highest and the lowest value; two, also where all are equal."""
    order = sorted(of_group, key=lambda name: of_group[name])
    return order[-1], order[0]


def _divided(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found
