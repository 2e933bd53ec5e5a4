"""How figures of cost are written: with their unit and three digits that say something."""

from __future__ import annotations

from catalog.templatetags.display import file_size, whole
from evaluation.models import Figure

_SIGNS = {"x": "×", "1/s": "/s"}
_STEPS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def value_text(figure: Figure) -> str:
    value = figure.value
    if value is None:
        return "–"
    match figure.unit:
        case "":
            return whole(int(value))
        case "bytes":
            return file_size(int(value))
        case "ratio":
            return f"{100 * value:+.0f} %"
        case "FLOP":
            return _scaled(value)
        case unit:
            return f"{_digits(value)}\u00a0{_SIGNS.get(unit, unit)}"


def percent_text(value: float) -> str:
    return f"{100 * value:.0f} %"


def _scaled(value: float) -> str:
    for limit, prefix in _STEPS:
        if value >= limit:
            return f"{_digits(value / limit)}\u00a0{prefix}FLOP"
    return f"{value:.0f}\u00a0FLOP"


def _digits(value: float) -> str:
    """Three significant digits; thousands whole."""
    return whole(round(value)) if value >= 100 else f"{value:.3g}"
