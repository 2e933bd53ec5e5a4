"""What single answers rest on, as a node says: every number is doubted, and what it means is worked out here.

A node sends where the parts of an item lie and a number for each; texts come from our own items.
The runner makes them (`runner.interpreting`).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, Final

from django.utils.translation import gettext as _

from evaluation.errors import BadOutput

PROTOCOL: Final = 1
FILE: Final = "attributions.json"
LARGEST_FILE: Final = 2 * 2**20
METHODS: Final = ("integrated-gradients", "occlusion")
BASELINES: Final = ("mask", "pad", "zero")
TOLERANCE: Final = 0.05  # of the sum of the attributions against what the output changes
LEAST_CHANGE: Final = 1e-3  # below, a share of it means nothing
LARGEST: Final = 1e9
MOST_PARTS: Final = 1024
MOST_CELLS: Final = 16  # along each side
SEEN_SIDE: Final = 64  # pixels of the small picture, along each side
LONGEST_TEXT: Final = 300
LARGEST_STEPS: Final = 4096

Json = Mapping[str, Any]
Texts = tuple[str, str]  # of one item: the text, and the second one or ""


@dataclass(frozen=True)
class Part:
    """A piece of a text, with what it adds to the output."""

    value: float
    text: str
    side: int  # 0 or 1: which of the item's texts
    start: int
    end: int


@dataclass(frozen=True)
class Cells:
    """An image as the model saw it, with what each cell adds to the output; row by row."""

    rows: int
    columns: int
    values: list[float]
    seen: bytes  # RGB of `SEEN_SIDE` × `SEEN_SIDE` pixels


@dataclass(frozen=True)
class Explained:
    """One answer taken apart; where it could not be, `reason` says why and nothing else is there."""

    id: str
    reason: str = ""
    method: str = ""
    note: str = ""  # why it is not the method that was asked for
    baseline: str = ""
    label: str = ""
    probability: float = 0.0
    output: float = 0.0  # the logit of the label
    output_of_baseline: float = 0.0
    steps: int = 0
    comprehensiveness: float = 0.0
    sufficiency: float = 0.0
    parts: tuple[Part, ...] = ()
    cells: Cells | None = None

    @property
    def values(self) -> list[float]:
        return self.cells.values if self.cells is not None else [part.value for part in self.parts]

    @property
    def error(self) -> float | None:
        """How far the sum is from what the output changes, as a share of that; None where no sum is promised."""
        if self.reason or self.method == "occlusion":
            return None
        change = self.output - self.output_of_baseline
        return abs(math.fsum(self.values) - change) / max(abs(change), LEAST_CHANGE)

    @property
    def is_untrustworthy(self) -> bool:
        return self.error is not None and self.error > TOLERANCE


def read_attributions(content: bytes, *, labels: Sequence[str], texts: Mapping[str, Texts | None]) -> list[Explained]:
    """The answers taken apart, in the order of `texts`; one that the node left out has a reason.

    Args:
        texts: of the items that were asked for, by the name that the node knows; None for images.

    Raises:
        BadOutput: anything at all is not as it must be; then nothing is believed.
    """
    try:
        body = json.loads(content, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise _bad() from None
    if len(content) > LARGEST_FILE or not isinstance(body, dict) or body.get("protocol") != PROTOCOL:
        raise _bad()
    items = body.get("items")
    if not isinstance(items, list) or len(items) > len(texts):
        raise _bad()
    found: dict[str, Explained] = {}
    for item in items:
        key = item.get("id") if isinstance(item, dict) else None
        if not isinstance(key, str) or key not in texts or key in found:
            raise _bad()
        found[key] = _explained(key, item, labels, texts[key])
    return [found.get(key) or Explained(key, reason=_("The node said nothing of this item.")) for key in texts]


def summary(found: Sequence[Explained]) -> dict[str, Any]:
    """What the record of a run says of them: no text and no id of an item."""
    known = [one for one in found if not one.reason]
    errors = [one.error for one in known if one.error is not None]
    return {
        "items": len(found),
        "explained": len(known),
        "occluded": sum(one.method == "occlusion" for one in known),
        "untrustworthy": sum(one.is_untrustworthy for one in known),
        "tolerance": TOLERANCE,
        "error": median(errors) if errors else None,
        "comprehensiveness": fmean(one.comprehensiveness for one in known) if known else None,
        "sufficiency": fmean(one.sufficiency for one in known) if known else None,
    }


def _explained(key: str, item: Json, labels: Sequence[str], texts: Texts | None) -> Explained:
    reason = _text(item.get("reason", ""))
    if reason:
        return Explained(key, reason=reason)
    values = [_number(value) for value in _list(item.get("values"), MOST_PARTS)]
    return Explained(
        id=key,
        method=_one_of(item.get("method"), METHODS),
        note=_text(item.get("note", "")),
        baseline=_one_of(item.get("baseline"), BASELINES),
        label=_one_of(item.get("label"), labels),
        probability=_number(item.get("probability"), 0, 1),
        output=_number(item.get("output")),
        output_of_baseline=_number(item.get("output_of_baseline")),
        steps=_whole(item.get("steps"), 0, LARGEST_STEPS),
        comprehensiveness=_number(item.get("comprehensiveness"), -1, 1),
        sufficiency=_number(item.get("sufficiency"), -1, 1),
        parts=() if texts is None else _parts(item.get("spans"), values, texts),
        cells=_cells(item, values) if texts is None else None,
    )


def _parts(spans: object, values: list[float], texts: Texts) -> tuple[Part, ...]:
    """Pieces in reading order, none of which overlaps another."""
    listed = _list(spans, MOST_PARTS)
    if len(listed) != len(values):
        raise _bad()
    parts: list[Part] = []
    reached = (0, 0)
    for span, value in zip(listed, values, strict=True):
        if not isinstance(span, list) or len(span) != 3:
            raise _bad()
        side = _whole(span[0], 0, 1)
        start, end = (_whole(place, 0, len(texts[side])) for place in span[1:])
        if start >= end or (side, start) < reached:
            raise _bad()
        reached = (side, end)
        parts.append(Part(value, texts[side][start:end], side, start, end))
    return tuple(parts)


def _cells(item: Json, values: list[float]) -> Cells:
    rows, columns = (_whole(item.get(name), 1, MOST_CELLS) for name in ("rows", "columns"))
    stated = item.get("seen")
    try:
        seen = base64.b64decode(stated, validate=True) if isinstance(stated, str) else b""
    except ValueError:
        raise _bad() from None
    if rows * columns != len(values) or len(seen) != 3 * SEEN_SIDE**2:
        raise _bad()
    return Cells(rows, columns, values, seen)


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or not 0 < len(value) <= most:
        raise _bad()
    return value


def _one_of(value: object, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise _bad()
    return value


def _number(value: object, low: float = -LARGEST, high: float = LARGEST) -> float:
    if type(value) not in (int, float) or not low <= value <= high:  # type: ignore[operator]  # a number by now
        raise _bad()
    return float(value)  # type: ignore[arg-type]  # likewise


def _whole(value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad()
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise _bad()
    return value


def _refused(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _bad() -> BadOutput:
    return BadOutput(_("The attributions that the node sent are not what was asked for; none of them is shown."))
