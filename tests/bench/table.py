"""What every part of `make bench` hands back: rows of one table, each a ratio of two things measured side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HEADINGS = ("measured", "here", "beside", "ratio", "promised")


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        ratio: `here` divided by `beside`.
        promised: in words, such as `>= 0.9`; empty where nothing is promised.
        is_kept: None where nothing is promised.
    """

    measured: str
    here: str
    beside: str
    ratio: float | None = None
    promised: str = ""
    is_kept: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {None: "", True: " (kept)", False: " (MISSED)"}[self.is_kept]
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.measured, self.here, self.beside, ratio, self.promised + verdict)


def at_least(measured: str, here: str, beside: str, *, ratio: float, least: float) -> Row:
    """A row whose ratio should not be below `least`."""
    return Row(measured, here, beside, ratio, f"≥ {least:g}", ratio >= least)


def at_most(measured: str, here: str, beside: str, *, value: float, most: float, unit: str) -> Row:
    """A row with a limit; its ratio is the part of the limit that is used."""
    return Row(measured, here, beside, value / most, f"≤ {most:g} {unit}", value <= most)


def markdown(rows: Iterable[Row]) -> str:
    """Returns a Markdown table that also reads well in a terminal."""
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    heading, *drawn = (_line(line, widths) for line in lines)
    return "\n".join([heading, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *drawn])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
