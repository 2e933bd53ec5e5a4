"""What a few answers of a run rest on, item by item; for those who may see the items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from catalog import actors
from catalog.errors import NotFound
from evaluation import access
from evaluation.errors import BadOutput, NotComparable
from evaluation.metrics.attributions import TOLERANCE, Explained
from evaluation.models import Run
from evaluation.pages.errors import page
from evaluation.pages.heat import heat_map
from evaluation.queries import item_rights
from evaluation.queries.attributions import Answer, attributions_of

STRONGEST: Final = 5  # parts named in words, on either side
STEPS: Final = (0.15, 0.4, 0.7)  # shares of the strongest part, from which on a part is marked more


@dataclass(frozen=True)
class Chunk:
    """A piece of a text: one part with its mark, or what lies between parts."""

    text: str
    mark: str = ""  # "for" or "against", and how strongly: 1 to 3; "" where it hardly counts
    value: float | None = None


@dataclass(frozen=True)
class Named:
    """A part in words."""

    text: str
    value: float


@dataclass(frozen=True)
class Shown:
    """One answer, ready to be read."""

    answer: Answer
    texts: list[list[Chunk]]
    speaks_for: list[Named]
    speaks_against: list[Named]


@page
def attributions_page(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _run(request, run_id)
    found, problem = _found(run)
    shown = {
        "section": "runs",
        "run": run,
        "repo": run.repo,
        "answers": [_shown(one) for one in found],
        "asked": run.benchmark.definition.get("interpret"),
        "problem": problem,
        "tolerance": TOLERANCE,
    }
    return render(request, "evaluation/attributions.html", shown)


@page
def picture(request: HttpRequest, run_id: int, number: int) -> HttpResponse:
    """The image of one item as the model saw it, and its cells."""
    found = next((one for one in attributions_of(_run(request, run_id)) if one.number == number), None)
    if found is None or found.explained.cells is None:
        raise NotFound
    response = HttpResponse(heat_map(found.explained.cells), content_type="image/png")
    response["Cache-Control"] = "private, max-age=600"
    return response


def _run(request: HttpRequest, run_id: int) -> Run:
    actor = actors.actor_of(request)
    run = access.run_to_read(actor, run_id)
    item_rights.require_items(actor, run.benchmark)
    return run


def _found(run: Run) -> tuple[list[Answer], str]:
    """The answers, or why there are none."""
    try:
        return attributions_of(run), ""
    except (BadOutput, NotComparable) as problem:
        return [], problem.message


def _shown(answer: Answer) -> Shown:
    explained = answer.explained
    named = [Named(name, value) for name, value in zip(_names(explained), explained.values, strict=True)]
    ordered = sorted((one for one in named if one.value), key=lambda one: -one.value)
    strongest = max(map(abs, explained.values), default=0.0)
    return Shown(
        answer,
        [list(_chunks(answer, side, strongest)) for side, text in enumerate(answer.texts or ()) if text],
        [one for one in ordered[:STRONGEST] if one.value > 0],
        [one for one in reversed(ordered[-STRONGEST:]) if one.value < 0],
    )


def _names(explained: Explained) -> list[str]:
    if explained.cells is None:
        return [_("“%(text)s”") % {"text": part.text.strip() or part.text} for part in explained.parts]
    rows, columns = explained.cells.rows, explained.cells.columns
    places = [divmod(at, columns) for at in range(rows * columns)]
    return [_("row %(row)d, column %(column)d") % {"row": down + 1, "column": across + 1} for down, across in places]


def _chunks(answer: Answer, side: int, strongest: float) -> Iterator[Chunk]:
    """One text of an item from its first to its last character."""
    assert answer.texts is not None
    text, reached = answer.texts[side], 0
    for part in (part for part in answer.explained.parts if part.side == side):
        if part.start > reached:
            yield Chunk(text[reached : part.start])
        yield Chunk(part.text, _mark(part.value, strongest), part.value)
        reached = part.end
    if reached < len(text):
        yield Chunk(text[reached:])


def _mark(value: float, strongest: float) -> str:
    level = sum(abs(value) >= step * strongest for step in STEPS) if strongest else 0
    return f"{'for' if value > 0 else 'against'} s{level}" if level else ""
