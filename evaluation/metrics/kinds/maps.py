"""The label of every pixel, judged over the pixels of the whole corpus."""

import base64
import binascii
import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from evaluation.benchmarks.schema import Definition, MetricUse
from evaluation.errors import BadOutput
from evaluation.metrics.answers import PREDICTIONS, Predictions, json_lines
from evaluation.metrics.arrays import Floats
from evaluation.metrics.formulas.regions import Map, class_iou, mean_iou, pixel_accuracy, pixel_counts
from evaluation.metrics.kinds.kind import AnswerKind
from evaluation.metrics.registry.maps import MAPS
from evaluation.metrics.registry.metric import Need
from evaluation.metrics.samples import ByClass, Gold, Sample, Statistic, items_of

FORMULAS: Mapping[str, Callable[[Floats], float]] = {"miou": mean_iou, "pixel_accuracy": pixel_accuracy}


@dataclass(frozen=True)
class MapPredictions(Predictions):
    """Maps as they came: compressed, since all of them together may not fit into memory."""

    packed: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapSample(Sample):
    """Pixels of each image and label."""

    names: tuple[str, ...]
    counts: Floats  # (images, 3, labels): shared, in the truth, predicted

    @property
    def offers(self) -> frozenset[Need]:
        return MAPS

    def per_item(self, use: MetricUse) -> Floats | None:
        return None

    def statistic(self, use: MetricUse) -> Statistic:
        formula = FORMULAS[use.name]
        return lambda weights: formula(self._sums(weights))

    def per_class(self, use: MetricUse) -> ByClass | None:
        """The IoU of every label in the truth; there is no accuracy of one label."""
        if use.name != "miou":
            return None
        there = np.flatnonzero(self.counts[:, 1].sum(axis=0))
        names = [self.names[number] for number in there]
        # An image drawn without the label says nothing about it, and then 0 is said.
        return ByClass(names, lambda weights: np.nan_to_num(class_iou(self._sums(weights))[there]))

    def _sums(self, weights: Floats) -> Floats:
        sums: Floats = np.tensordot(weights, self.counts, axes=1)
        return sums


def _read_maps(definition: Definition, folder: Path) -> MapPredictions:
    """{"id", "size", "map"} on each line; the map is base64 of zlib of two bytes a pixel."""
    ids, packed = [], []
    for number, row in enumerate(json_lines(folder / PREDICTIONS), start=1):
        if not isinstance(row.get("id"), str) or not isinstance(row.get("map"), str):
            raise BadOutput(f"Line {number} of predictions.jsonl has no id or no map.")
        ids.append(row["id"])
        packed.append(row["map"])
    return MapPredictions(ids=tuple(ids), packed=tuple(packed))


def _sample(definition: Definition, gold: Gold, found: MapPredictions, place: dict[str, int]) -> MapSample:
    names = definition.label_names
    counts = np.empty((len(gold), 3, len(names)))
    for index, row in enumerate(gold):
        told = unpack_map(found.packed[place[row["id"]]], row["size"], len(names))
        counts[index] = pixel_counts(_truth(row), told, len(names))
    return MapSample(
        **items_of(gold),
        names=names,
        counts=counts,
    )


def unpack_map(text: str, size: tuple[int, int], classes: int) -> Map:
    """(height, width) numbers of labels.

    Raises:
        BadOutput: not such a map, of another size, or with a number that is no label.
    """
    width, height = size
    wanted = 2 * width * height
    try:
        opened = zlib.decompressobj()
        # Never more than was asked for: a few bytes can stand for gigabytes.
        raw = opened.decompress(base64.b64decode(text, validate=True), wanted + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BadOutput("The run sent a map that cannot be unpacked.") from error
    if len(raw) != wanted:
        raise BadOutput(f"The run sent a map that has not {width} × {height} pixels, as its image has.")
    numbers = np.frombuffer(raw, dtype="<u2").reshape(height, width)
    if int(numbers.max(initial=0)) >= classes:
        raise BadOutput("The run sent a map with a number that is no label.")
    return numbers


def _truth(row: Mapping[str, Any]) -> Map:
    with Image.open(io.BytesIO(row["mask"]), formats=("PNG",)) as image:
        return np.asarray(image).astype(np.uint16)


KIND = AnswerKind(read=_read_maps, sample=_sample)
