"""Images with boxes or a map of labels."""

import math
from typing import Any

from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.benchmarks.hub.source import Entry, Source
from evaluation.benchmarks.items import Items, Row


def boxes(source: Source) -> Items:
    """Fields: image, width, height, target (labels), and `corners` (left, top, right, bottom) or `boxes` (left, top,
    width, height, as COCO has them); areas and crowd where the data has them.
    """  # fmt: skip
    inputs: list[Row] = []
    gold: list[Row] = []
    for entry in source.entries(without=("image",)):
        inputs.append({"id": entry.key, "image": entry.located()})
        labels = [entry.label_of(one) for one in _list(entry, "target", "objects.category")]
        row: Row = {
            "id": entry.key,
            "size": [_pixels(entry, "width"), _pixels(entry, "height")],
            "boxes": _corners(source, entry),
            "labels": labels,
        }
        for name in ("areas", "crowd"):
            if source.has(name):
                row[name] = _list(entry, name, name)
        if any(len(row[name]) != len(labels) for name in ("boxes", "areas", "crowd") if name in row):
            raise DataUnavailable(f"{entry.place.where}: boxes and labels are not equally many.")
        gold.append(row | entry.extras())
    return Items(inputs=inputs, gold=gold, media=source.media("image"))


def _corners(source: Source, entry: Entry) -> list[list[float]]:
    is_coco = source.has("boxes")
    found = _list(entry, "boxes" if is_coco else "corners", "objects.bbox")
    corners = []
    for box in found:
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(side, int | float) for side in box):
            raise DataUnavailable(f"{entry.place.where}: a box is no list of four numbers.")
        left, top, third, fourth = map(float, box)
        corners.append([left, top, left + third, top + fourth] if is_coco else [left, top, third, fourth])
    return corners


def _pixels(entry: Entry, field: str) -> int:
    found = entry.value(field, field)
    if not isinstance(found, int | float) or not math.isfinite(found) or found < 1:
        raise DataUnavailable(f"{entry.place.where}: the {field} is no number of pixels.")
    return int(found)


def _list(entry: Entry, field: str, default: str) -> list[Any]:
    found = entry.value(field, default)
    if not isinstance(found, list):
        raise DataUnavailable(f"{entry.place.where}: {field} is no list.")
    return found
