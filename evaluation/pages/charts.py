"""The score-against-size chart, computed here and drawn as SVG: it prints and needs no script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.pages.numbers import written
from evaluation.queries.leaderboard import frontier

WIDTH, HEIGHT = 960.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 24.0, 20.0, 44.0
LETTER, LINE = 6.6, 16.0  # about the size of a character of a label
LONGEST_LABEL = 34
TITLE = (LEFT, 0.0, LEFT + 24 * LETTER, TOP - 1)  # where the name of the metric stands: left, top, right, bottom
MOST_TICKS = 7  # more than these, and only powers of ten are named
LEAST_SPAN = 0.01  # of the scores shown, so that one score alone has an axis

_Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Datum:
    """One model: where it stands, what it is called, where its name leads."""

    x: float
    y: float
    low: float | None
    high: float | None
    name: str
    href: str


@dataclass(frozen=True)
class Point:
    """One dot in the units of the drawing; `whisker` is its interval."""

    datum: Datum
    x: float
    y: float
    whisker: tuple[float, float] | None
    is_frontier: bool
    label: str = ""
    label_x: float = 0.0
    label_y: float = 0.0
    anchor: str = "start"


@dataclass(frozen=True)
class Tick:
    """One line of the grid, with its words."""

    at: float
    words: str


@dataclass(frozen=True)
class Scatter:
    """Everything the template draws. Frontier points come last, so that they lie on top."""

    points: tuple[Point, ...]
    staircase: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = int(WIDTH)
    height: int = int(HEIGHT)
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def scatter(data: Sequence[Datum], *, higher_is_better: bool) -> Scatter | None:
    """Score against a logarithmic size; None when there is nothing to draw.

    Args:
        data: `x` above zero, smaller is better; `y` in shown units.
    """
    if not data:
        return None
    x_scale, x_ticks = _log_scale([datum.x for datum in data])
    y_scale, y_ticks = _linear_scale([bound for datum in data for bound in _bounds(datum)])
    best = frontier([(datum.x, datum.y) for datum in data], higher_is_better=higher_is_better)
    points = [
        Point(
            datum,
            x_scale(datum.x),
            y_scale(datum.y),
            None if datum.low is None or datum.high is None else (y_scale(datum.high), y_scale(datum.low)),
            at in best,
        )
        for at, datum in enumerate(data)
    ]
    stairs = [points[at] for at in best]
    others = [point for point in points if not point.is_frontier]
    labelled = _labelled(stairs, others)
    return Scatter((*others, *labelled), _staircase(stairs), tuple(x_ticks), tuple(y_ticks))


class _Scale:
    """A linear map from values to places."""

    def __init__(self, first: float, last: float, start: float, end: float, *, is_log: bool = False) -> None:
        self.is_log = is_log
        low, high = (math.log10(first), math.log10(last)) if is_log else (first, last)
        self.low, self.start = low, start
        self.factor = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        place = math.log10(value) if self.is_log else value
        return round(self.start + (place - self.low) * self.factor, 1)


def _log_scale(values: Iterable[float]) -> tuple[_Scale, list[Tick]]:
    found = list(values)
    steps = [factor * 10.0**power for power in range(-6, 16) for factor in (1, 2, 5)]
    first = max((at for at, step in enumerate(steps) if step <= min(found)), default=0)
    last = min((at for at, step in enumerate(steps) if step >= max(found)), default=len(steps) - 1)
    if first >= last:
        first, last = max(0, first - 1), min(len(steps) - 1, last + 1)
    scale = _Scale(steps[first], steps[last], LEFT + 14, WIDTH - RIGHT - 14, is_log=True)
    shown = steps[first : last + 1]
    if len(shown) > MOST_TICKS:
        shown = [step for step in shown if math.log10(step) % 1 == 0]
    return scale, [Tick(scale(step), size_words(step)) for step in shown]


def _linear_scale(values: Iterable[float]) -> tuple[_Scale, list[Tick]]:
    found = list(values)
    low, high = min(found), max(found)
    step = _nice_step(max(high - low, abs(high) * 1e-6, LEAST_SPAN))
    first, last = math.floor(low / step) * step, math.ceil(high / step) * step
    if first == last:
        last += step
    scale = _Scale(first, last, HEIGHT - BOTTOM, TOP)
    count = round((last - first) / step)
    power = math.floor(math.log10(step))
    digits, of_huge = max(0, -power), max(0, math.floor(math.log10(max(abs(first), abs(last)))) - power)
    shown = [first + at * step for at in range(count + 1)]
    return scale, [Tick(scale(at), written(at, digits, of_huge=of_huge)) for at in shown]


def _nice_step(span: float) -> float:
    """1, 2 or 5 times a power of ten, so that five lines or so fit."""
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(step for step in (1, 2, 5, 10) if step * power >= rough) * power)


def _bounds(datum: Datum) -> tuple[float, float]:
    return (
        datum.y if datum.low is None else min(datum.low, datum.y),
        datum.y if datum.high is None else max(datum.high, datum.y),
    )


def _staircase(stairs: Sequence[Point]) -> str:
    """An SVG path: level until the next better model, then up."""
    if not stairs:
        return ""
    steps = [f"M{stairs[0].x} {stairs[0].y}"]
    steps += [f"H{point.x}V{point.y}" for point in stairs[1:]]
    return "".join(steps) + f"H{WIDTH - RIGHT}"


def _labelled(stairs: Sequence[Point], others: Sequence[Point]) -> list[Point]:
    """Names for the frontier, each where it covers neither a dot nor another name; left out where nothing is free."""
    taken = [(point.x - 6, point.y - 6, point.x + 6, point.y + 6) for point in (*stairs, *others)]
    taken += [*_segments(stairs), TITLE]
    placed = []
    for point in stairs:
        words = (
            point.datum.name if len(point.datum.name) <= LONGEST_LABEL else point.datum.name[: LONGEST_LABEL - 1] + "…"
        )
        box = next((box for box in _places(point, len(words) * LETTER) if _is_free(box, taken)), None)
        if box is None:
            placed.append(point)
            continue
        taken.append(box)
        placed.append(_with_label(point, words, box))
    return placed


def _segments(stairs: Sequence[Point]) -> list[_Box]:
    """The staircase as thin boxes that no name may cover."""
    found = []
    for point, following in zip(stairs, [*stairs[1:], None], strict=True):
        end = following.x if following else WIDTH - RIGHT
        found.append((point.x, point.y - 1, end, point.y + 1))
        if following:
            found.append((end - 1, min(point.y, following.y), end + 1, max(point.y, following.y)))
    return found


def _places(point: Point, length: float) -> Iterable[_Box]:
    for dx, dy in ((9, -LINE - 3), (-9 - length, -LINE), (9, 4), (-9 - length, 4), (9, -2 * LINE), (9, LINE)):
        x, y = point.x + dx, point.y + dy
        if x >= LEFT and x + length <= WIDTH - 4 and y >= 0 and y + LINE <= HEIGHT - BOTTOM:
            yield (x, y, x + length, y + LINE)


def _is_free(box: _Box, taken: Sequence[_Box]) -> bool:
    return not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)


def _with_label(point: Point, words: str, box: _Box) -> Point:
    is_left = box[0] < point.x
    x = box[2] if is_left else box[0]
    anchor = "end" if is_left else "start"
    return Point(
        point.datum,
        point.x,
        point.y,
        point.whisker,
        point.is_frontier,
        words,
        round(x, 1),
        round(box[1] + 12, 1),
        anchor,
    )


def size_words(value: float) -> str:
    """1K, 10M, 1B for powers of ten; small numbers as they are."""
    for limit, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"
