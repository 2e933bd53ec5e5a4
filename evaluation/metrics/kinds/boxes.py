"""Boxes with labels and scores, judged by COCO's rules."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats, Ints
from evaluation.metrics.formulas.detection import AREAS, IOU_THRESHOLDS, Boxes, ClassMatches, Matches, match
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.boxes import BOXES
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import ByClass, Gold, Sample, Statistic, items_of

MOST_BOXES = 300  # of one image
SLACK = 0.01  # pixels that a box may lie outside, from rounding
ALL, ONLY_50, ONLY_75 = slice(None), slice(0, 1), slice(5, 6)
# name → (which area, which thresholds); ar100 is recall instead of precision
RULES = {
    "map_50_95": ("all", ALL),
    "ap50": ("all", ONLY_50),
    "ap75": ("all", ONLY_75),
    "map_small": ("small", ALL),
    "map_medium": ("medium", ALL),
    "map_large": ("large", ALL),
}
assert IOU_THRESHOLDS[5] == 0.75


@dataclass(frozen=True)
class FoundBoxes:
    corners: Floats  # (n, 4)
    scores: Floats
    classes: Ints


@dataclass(frozen=True)
class BoxPredictions(Predictions):
    found: tuple[FoundBoxes, ...] = ()


@dataclass(frozen=True)
class BoxSample(Sample):
    """Images with what came of every class in them."""

    names: tuple[str, ...]
    images: Sequence[Sequence[Matches]]  # image → class → matches

    def take(self, chosen: Ints) -> "BoxSample":
        smaller = super().take(chosen)
        assert isinstance(smaller, BoxSample)
        return dataclasses.replace(smaller, images=[self.images[index] for index in chosen])

    @functools.cached_property
    def classes(self) -> list[ClassMatches]:
        return [ClassMatches.join([image[number] for image in self.images]) for number in range(len(self.names))]

    @property
    def offers(self) -> frozenset[Need]:
        wanted = np.sum([one.wanted.sum(axis=0) for one in self.classes], axis=0)
        return BOXES | {f"{area} objects" for number, area in enumerate(AREAS) if wanted[number]}

    def per_item(self, use: MetricUse) -> Floats | None:
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        return self._mean_over(self.classes, use)

    def per_class(self, use: MetricUse) -> ByClass | None:
        area = list(AREAS).index(RULES.get(use.name, ("all", ALL))[0])
        shown = [(name, one) for name, one in zip(self.names, self.classes, strict=True) if one.wanted[:, area].any()]
        each = [self._mean_over([one], use) for _, one in shown]
        return ByClass([name for name, _ in shown], lambda weights: np.array([one(weights) for one in each]))

    def _mean_over(self, classes: Sequence[ClassMatches], use: MetricUse) -> Statistic:
        def value(weights: Floats) -> float:
            if use.name == "ar100":
                found = [one.recall(0, weights) for one in classes]
            else:
                area, thresholds = RULES[use.name]
                number = list(AREAS).index(area)
                found = [one.average_precision(number, weights, thresholds) for one in classes]
            # A class without objects among the images drawn says nothing.
            told = [values for values in found if values is not None]
            return float(np.mean(told)) if told else 0.0

        return value


def _read_boxes(definition: Definition, folder: Path) -> BoxPredictions:
    """{"id", "boxes": [[left, top, right, bottom]], "scores", "labels"} on each line."""
    number = {name: index for index, name in enumerate(definition.label_names)}
    ids, found = [], []
    for line, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        if not isinstance(row.get("id"), str):
            raise BadOutput(f"Line {line} of predictions.jsonl has no id.")
        ids.append(row["id"])
        found.append(_found(row, number, f"Line {line} of predictions.jsonl"))
    return BoxPredictions(ids=tuple(ids), found=tuple(found))


def _found(row: Mapping[str, Any], number: Mapping[str, int], where: str) -> FoundBoxes:
    boxes, scores, labels = (row.get(name) for name in ("boxes", "scores", "labels"))
    if not (isinstance(boxes, list) and isinstance(scores, list) and isinstance(labels, list)):
        raise BadOutput(f"{where} has no boxes, scores or labels.")
    if not len(boxes) == len(scores) == len(labels) <= MOST_BOXES:
        raise BadOutput(f"{where} has not one score and one label for each box, or more than {MOST_BOXES} boxes.")
    if not all(isinstance(label, str) and label in number for label in labels):
        raise BadOutput(f"{where} has a label that the benchmark does not know.")
    if not all(_is_number(score) and 0 <= score <= 1 for score in scores):
        raise BadOutput(f"{where} has a score that is no number between 0 and 1.")
    if not all(isinstance(box, list) and len(box) == 4 and all(map(_is_number, box)) for box in boxes):
        raise BadOutput(f"{where} has a box that is not four finite numbers.")
    corners = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    if (corners[:, 2:] < corners[:, :2]).any():
        raise BadOutput(f"{where} has a box whose right or lower side lies before the left or upper one.")
    classes = np.array([number[label] for label in labels], dtype=np.int64)
    return FoundBoxes(corners=corners, scores=np.array(scores, dtype=np.float64), classes=classes)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e9  # type: ignore[arg-type]  # a number by now


def _sample(definition: Definition, gold: Gold, found: BoxPredictions, place: dict[str, int]) -> BoxSample:
    names = definition.label_names
    images = []
    for row in gold:
        own = found.found[place[row["id"]]]
        width, height = row["size"]
        if ((own.corners < -SLACK) | (own.corners > np.array([width, height] * 2) + SLACK)).any():
            raise BadOutput("The run found a box that lies outside its image.")
        images.append([_class_matches(row, own, number, name) for number, name in enumerate(names)])
    return BoxSample(
        **items_of(gold),
        names=names,
        images=images,
    )


def _class_matches(row: Mapping[str, Any], own: FoundBoxes, number: int, name: str) -> Matches:
    here = [index for index, label in enumerate(row["labels"]) if label == name]
    corners = np.array([row["boxes"][index] for index in here], dtype=np.float64).reshape(-1, 4)
    sides = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    areas = np.array([row["areas"][index] for index in here], dtype=np.float64) if "areas" in row else sides
    crowd = np.array([row["crowd"][index] if "crowd" in row else False for index in here], dtype=np.bool_)
    chosen = own.classes == number
    return match(Boxes(corners=corners, areas=areas, crowd=crowd), own.corners[chosen], own.scores[chosen])


KIND = AnswerKind(read=_read_boxes, sample=_sample)
