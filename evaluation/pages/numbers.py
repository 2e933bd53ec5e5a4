"""How scores are written: proportions as percent, and no more digits than their interval supports."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from evaluation.models import Score
from evaluation.queries.comparisons import Compared

SHOWN_AS_PERCENT = {"", "proportion"}
LARGEST_PLAIN: Final = 1e6  # from here on nobody counts digits: the perplexity of a bad model is written 1.72e16
_LEAST_HALF_WIDTHS = ((0, 10.0), (1, 0.1), (2, 0.01), (3, 0.0))  # from which on so many digits are enough


def scale_of(score: Score) -> float:
    return 100.0 if score.unit in SHOWN_AS_PERCENT else 1.0


def decimals_of(score: Score) -> int:
    """So many that the interval has one or two digits that say something."""
    half = half_width(score)
    if half is None:
        return _usual_decimals(score)
    return _digits(half)


def half_width(score: Score) -> float | None:
    """Half the 95 % interval, in shown units: the larger side, when it is not symmetric."""
    if score.low is None or score.high is None:
        return None
    return max(score.value - score.low, score.high - score.value, 0.0) * scale_of(score)


def value_text(score: Score) -> str:
    return written(score.value * scale_of(score), decimals_of(score))


def interval_text(score: Score) -> str:
    """`±0.8`, or nothing when there is no interval."""
    half = half_width(score)
    return "" if half is None else f"±{written(half, decimals_of(score))}"


def range_text(score: Score) -> str:
    """`90.6 – 92.2`: both ends of the interval."""
    if score.low is None or score.high is None:
        return "–"
    scale, digits = scale_of(score), decimals_of(score)
    return f"{written(score.low * scale, digits)} – {written(score.high * scale, digits)}"


def first_value_text(row: Compared) -> str:
    """The first of two values beside each other, with the digits of both."""
    return _beside(row, row.first)


def second_value_text(row: Compared) -> str:
    return _beside(row, row.second)


def difference_text(row: Compared) -> str:
    """`+2.1`: the first minus the second, in shown units."""
    if row.difference is None:
        return "–"
    return written(row.difference.value * scale_of(row.first), _decimals_of_difference(row), sign="+")


def difference_range_text(row: Compared) -> str:
    """`+0.3 – +3.9`: both ends of its interval."""
    if row.difference is None:
        return "–"
    scale, digits = scale_of(row.first), _decimals_of_difference(row)
    low, high = (written(end * scale, digits, sign="+") for end in (row.difference.low, row.difference.high))
    return f"{low} – {high}"


def written(value: float, digits: int, *, sign: str = "", of_huge: int = 2) -> str:
    """With so many decimals; a huge number as a power of ten, with `of_huge` decimals, whatever its interval."""
    if abs(value) < LARGEST_PLAIN or not math.isfinite(value):
        return f"{value:{sign}.{digits}f}"
    mantissa, _, power = f"{value:{sign}.{of_huge}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def signed(value: float) -> str:
    """Three significant digits and always a sign: what a part adds."""
    digits = next((number for number, least in ((1, 99.95), (2, 9.995), (3, 0.0)) if abs(value) >= least), 3)
    return written(value, digits, sign="+").replace("-", "\u2212")


def share_text(value: float) -> str:
    """A share in percent; what is small but something is not 0."""
    percent = 100 * value
    return "< 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %" if percent < 1e4 else "> 10000 %"


def p_text(p: float | None) -> str:
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _decimals_of_difference(row: Compared) -> int:
    found = row.difference
    half = (found.high - found.low) / 2 * scale_of(row.first) if found is not None else 1.0
    return _digits(half)


def _beside(row: Compared, score: Score) -> str:
    """As many digits as both bear; an interval without width says of none how many."""
    known = [half for one in (row.first, row.second) if (half := half_width(one))]
    digits = min(map(_digits, known)) if known else _usual_decimals(score)
    return written(score.value * scale_of(score), digits)


def _usual_decimals(score: Score) -> int:
    return 1 if score.unit in SHOWN_AS_PERCENT else 3


def _digits(half: float) -> int:
    return next(digits for digits, least in _LEAST_HALF_WIDTHS if half >= least)


def words_of(facts: Mapping[str, object]) -> str:
    """One thing as itself, several as `name: value`; how an item of a list is shown."""
    shown = {name: value for name, value in facts.items() if value not in (None, "", [], {})}
    if len(shown) == 1:
        return str(next(iter(shown.values())))
    return " · ".join(f"{name}: {_short(value)}" for name, value in shown.items())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def percent_of(done: float | None, total: float | None) -> int:
    """How much of a job is done, 0 to 100."""
    return min(100, int(100 * done / total)) if done and total else 0
