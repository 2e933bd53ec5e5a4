"""An image as a model saw it, beside what its cells speak for and against; drawn here, from checked numbers."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image, ImageDraw

from evaluation.metrics.attributions import SEEN_SIDE, Cells

SIDE: Final = 256  # pixels of each of the two
GAP: Final = 8
FOR, AGAINST = (20, 110, 190), (200, 95, 0)  # blue and orange: told apart by nearly everybody
MOST_COVERED: Final = 205  # of 255, so that the image shows through the strongest cell, too
HATCH: Final = 6  # pixels between the lines that mark what speaks against, besides its colour


def heat_map(cells: Cells) -> bytes:
    """A PNG of both, side by side."""
    seen = Image.frombytes("RGB", (SEEN_SIDE, SEEN_SIDE), cells.seen).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    under = seen.convert("L").convert("RGBA")
    both = Image.new("RGBA", (2 * SIDE + GAP, SIDE))
    both.paste(seen, (0, 0))
    both.paste(Image.alpha_composite(under, _overlay(cells)), (SIDE + GAP, 0))
    content = io.BytesIO()
    both.save(content, "PNG", optimize=True)
    return content.getvalue()


def _overlay(cells: Cells) -> Image.Image:
    found = Image.new("RGBA", (SIDE, SIDE))
    draw = ImageDraw.Draw(found)
    largest = max(map(abs, cells.values)) or 1.0
    for at, value in enumerate(cells.values):
        down, across = divmod(at, cells.columns)
        left, right = (SIDE * place // cells.columns for place in (across, across + 1))
        top, bottom = (SIDE * place // cells.rows for place in (down, down + 1))
        covered = round(MOST_COVERED * abs(value) / largest)
        if not covered:
            continue
        draw.rectangle((left, top, right - 1, bottom - 1), fill=(*(FOR if value > 0 else AGAINST), covered))
        if value < 0:
            _hatch(found, (left, top, right, bottom), covered)
    return found


def _hatch(image: Image.Image, box: tuple[int, int, int, int], covered: int) -> None:
    """Lines that rise to the right, going on from cell to cell."""
    left, top, right, bottom = box
    pixels = image.load()
    assert pixels is not None
    for y in range(top, bottom):
        for x in range(left + -(left + y) % HATCH, right, HATCH):
            pixels[x, y] = (255, 255, 255, covered)
