"""What explains the scores of a run and is none: read from its signed record, joined with its scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.benchmarks.perturbing import kinds_for
from evaluation.benchmarks.perturbing.kind import PerturbationKind
from evaluation.metrics.registry import DERIVED
from evaluation.models import Run, Score
from evaluation.queries.scores import scores_of_run

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """What lies between the two groups that are farthest apart."""

    score: Score
    high: str  # the group with the higher value
    low: str
    worst: str | None  # which of both fares worse, where that can be said
    of_class: str  # of rates of errors: the class they are about


@dataclass(frozen=True)
class Group:
    """One group that is large enough, with what the main metric says of it."""

    name: str
    score: Score | None


@dataclass(frozen=True)
class Small:
    """A group of which too little is known."""

    name: str
    n: int


@dataclass(frozen=True)
class Division:
    """The groups of one slice beside each other."""

    name: str
    least: int  # items that a group needs to be compared
    groups: list[Group]
    too_few: list[Small]
    figures: list[Figure]


@dataclass(frozen=True)
class Perturbed:
    """The same items asked once more in a changed form."""

    name: str
    description: str
    role: str
    seed: int
    p: float
    changed: int | None  # copies that differ from their items; None where that was not counted
    score: Score | None  # of the copies, by the main metric
    drop: Score | None  # relative to the items themselves
    worst: Score | None  # each item with the worse of two answers
    figures: list[Score]  # drops and the worse of both, by every metric


@dataclass(frozen=True)
class ClassLine:
    """One class: its items, how often it was said, and how often that was right."""

    name: str
    n: int
    predicted: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.n if self.n else 0.0

    @property
    def f1(self) -> float:
        either = self.n + self.predicted
        return 2 * self.right / either if either else 0.0


@dataclass(frozen=True)
class Classification:
    """Which classes are confused, and how far the confidence of a model can be believed."""

    classes: list[ClassLine]
    matrix: list[list[int]]  # rows are the truth; empty where there are too many classes
    confused: list[Json]  # gold, predicted, n: the confusions that occur most
    ece: float | None  # None without probabilities
    bins: list[Json]  # low, high, n, confidence, accuracy

    @property
    def rows(self) -> list[tuple[ClassLine, list[int]]]:
        """The matrix row by row, each with its class."""
        return list(zip(self.classes, self.matrix, strict=True)) if self.matrix else []


@dataclass(frozen=True)
class Attributions:
    """What a few answers rest on, in sums; the items are in `queries.attributions`."""

    items: int  # asked for
    explained: int
    occluded: int  # of them, by covering part after part
    untrustworthy: int  # whose sum is further from the truth than the tolerance
    tolerance: float
    error: float | None  # median, as a share of the output's change
    comprehensiveness: float | None  # mean
    sufficiency: float | None
    reason: str  # why there is nothing


@dataclass(frozen=True)
class Diagnostics:
    """Empty where a run has no record, or was scored before there was any of this."""

    fairness: list[Division]
    robustness: list[Perturbed]
    classification: Classification | None
    attributions: Attributions | None  # None where the definition asks for none


def diagnostics_of(run: Run) -> Diagnostics:
    """What the newest record of a run says."""
    record = run.record
    body = json.loads(record.body) if record is not None else {}
    found: Json = body.get("result", {}).get("diagnostics", {})
    scores = scores_of_run(run) if found else []
    kinds = kinds_for(str(run.benchmark.definition["request"]))
    return Diagnostics(
        fairness=[_division(one, scores) for one in found.get("fairness", [])],
        robustness=[_perturbed(one, scores, kinds) for one in found.get("robustness", [])],
        classification=_classification(found["classification"]) if "classification" in found else None,
        attributions=Attributions(**found["attributions"]) if "attributions" in found else None,
    )


def _division(about: Json, scores: Sequence[Score]) -> Division:
    at = {(score.metric, score.slice): score for score in scores}
    name, primary = about["slice"], next((score.metric for score in scores if score.is_primary), "")
    figures = [
        Figure(score, one["high"], one["low"], one["worst"], one.get("class", ""))
        for one in about["figures"]
        if (score := at.get((one["figure"], name))) is not None
    ]
    return Division(
        name=name,
        least=about["least"],
        groups=[Group(group, at.get((primary, f"{name}:{group}"))) for group in about["groups"]],
        too_few=[Small(one["name"], one["n"]) for one in about["too_few"]],
        figures=figures,
    )


def _perturbed(about: Json, scores: Sequence[Score], kinds: Mapping[str, PerturbationKind[Any]]) -> Perturbed:
    at = {score.metric: score for score in scores if score.slice == about["slice"]}
    primary = next((score.metric for score in scores if score.is_primary), "")
    kind = kinds.get(about["name"])
    return Perturbed(
        name=about["name"],
        description=kind.description if kind is not None else "",
        role=about["role"],
        seed=about["seed"],
        p=about["p"],
        changed=about.get("changed"),
        score=at.get(primary),
        drop=at.get(f"{primary}_drop"),
        worst=at.get(f"{primary}_worst"),
        figures=[score for name, score in at.items() if name in DERIVED],
    )


def _classification(about: Json) -> Classification:
    calibration = about.get("calibration", {})
    return Classification(
        classes=[ClassLine(**one) for one in about["classes"]],
        matrix=about.get("matrix", []),
        confused=about["confused"],
        ece=calibration.get("ece"),
        bins=calibration.get("bins", []),
    )
