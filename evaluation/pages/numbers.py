"""How scores are written: proportions as percent, and no more digits than their interval supports."""

from __future__ import annotations

import math

from evaluation.models import Score

PERCENT_UNITS = {"", "proportion", "ratio", "accuracy"}  # values 0–1 without a unit of their own


def is_proportion(score: Score) -> bool:
    bounds = [number for number in (score.value, score.low, score.high) if number is not None]
    return score.unit in PERCENT_UNITS and all(-1.0 <= number <= 1.0 for number in bounds)


def scale_of(score: Score) -> float:
    return 100.0 if is_proportion(score) else 1.0


def decimals_of(score: Score) -> int:
    """One digit, two where the interval is narrower than 0.2, none where it is wider than ±10."""
    half = half_width(score)
    if half is None:
        return 1
    if half >= 10:
        return 0
    return 1 if half >= 0.1 else 2


def half_width(score: Score) -> float | None:
    """Half the 95 % interval, in shown units: the larger side, when it is not symmetric."""
    if score.low is None or score.high is None:
        return None
    return max(score.value - score.low, score.high - score.value) * scale_of(score)


def value_text(score: Score) -> str:
    return f"{score.value * scale_of(score):.{decimals_of(score)}f}"


def interval_text(score: Score) -> str:
    """`±0.8`, or nothing when there is no interval."""
    half = half_width(score)
    if half is None or math.isnan(half):
        return ""
    return f"±{half:.{decimals_of(score)}f}"


def range_text(score: Score) -> str:
    """`90.6 – 92.2`: both ends of the interval."""
    if score.low is None or score.high is None:
        return "–"
    scale, digits = scale_of(score), decimals_of(score)
    return f"{score.low * scale:.{digits}f} – {score.high * scale:.{digits}f}"


def percent_of(done: float | None, total: float | None) -> int:
    """How much of a job is done, 0 to 100."""
    return min(100, int(100 * done / total)) if done and total else 0
