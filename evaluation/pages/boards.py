"""What is measured, and who stands where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from catalog import actors
from catalog.errors import BadInput
from catalog.models import User
from evaluation.benchmarks.schema import Definition
from evaluation.models import Benchmark
from evaluation.pages import charts, numbers
from evaluation.pages.charts import Datum
from evaluation.pages.errors import page
from evaluation.queries.benchmarks import benchmark_named, current_benchmarks, definition_of
from evaluation.queries.claims import claims_for
from evaluation.queries.datasets import data_state, data_states
from evaluation.queries.leaderboard import (
    GIGABYTE,
    BoardFilter,
    BoardRow,
    comparable,
    hardware_classes,
    leaderboard,
    measured_benchmarks,
)
from evaluation.runner.class_numbers import are_numbers

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


TOP = 3
SIZES: dict[str, tuple[StrPromise, int | None]] = {
    "": (_("any"), None),
    "10M": (_("up to 10M"), 10**7),
    "100M": (_("up to 100M"), 10**8),
    "1B": (_("up to 1B"), 10**9),
    "8B": (_("up to 8B"), 8 * 10**9),
}
MEMORIES = ("", "4", "8", "16", "24", "48", "80")  # GB
AXES: dict[str, tuple[StrPromise, StrPromise]] = {  # its name, and what the numbers are
    "parameters": (_("parameters (log)"), _("parameters")),
    "time": (_("time per item in batches (log)"), _("milliseconds per item")),
    "p50": (_("latency of one item (log)"), _("milliseconds, median")),
    "memory": (_("memory at most (log)"), _("gigabytes")),
    "energy": (_("energy of an item (log)"), _("joules")),
}


@dataclass(frozen=True)
class Board:
    """A benchmark with the best of its models."""

    benchmark: Benchmark
    rows: list[BoardRow]
    total: int


@page
def benchmarks(request: HttpRequest) -> HttpResponse:
    actor = actors.actor_of(request)
    found = current_benchmarks(actor.user)
    states = data_states(found, actor.user)
    shown = {
        "section": "leaderboards",
        "benchmarks": [(one, states[one.pk]) for one in found if states[one.pk].is_ready],
        "waiting": [(one, states[one.pk]) for one in found if not states[one.pk].is_ready],
        "may_add": actor.user is not None,
    }
    return render(request, "evaluation/benchmarks.html", shown)


@page
def benchmark(request: HttpRequest, slug: str) -> HttpResponse:
    """What exactly is measured, on what, and where its limits are."""
    user = actors.actor_of(request).user
    found = benchmark_named(slug, user)
    definition = definition_of(found)
    shown = {
        "section": "leaderboards",
        "benchmark": found,
        "definition": definition,
        "labels": _labels_of(definition),
        "rows": definition.dataset.expect_rows,
        "metrics": _metrics_of(definition),
        "state": data_state(found, user),
        "reference": _reference(definition),
        "versions": Benchmark.objects.filter(slug=slug).order_by("-version"),
    }
    return render(request, "evaluation/benchmark.html", shown)


@page
def boards(request: HttpRequest) -> HttpResponse:
    """The best of every benchmark that can be run here, or was."""
    user = actors.actor_of(request).user
    found = current_benchmarks(user)
    states, measured = data_states(found, user), measured_benchmarks(user)
    told = [one for one in found if states[one.pk].is_ready or one.pk in measured]
    shown = {"boards": [_board(one, user) for one in told], "section": "leaderboards"}
    return render(request, "evaluation/boards.html", shown)


@page
def board(request: HttpRequest, slug: str) -> HttpResponse:
    """The ranking of one benchmark; the query string narrows it and chooses the axis."""
    user = actors.actor_of(request).user
    found = benchmark_named(slug, user)
    names = ("size", "memory", "x", "licence", "hardware", "claimed")
    size, memory, axis, licence, hardware, with_claims = (request.GET.get(name, "") for name in names)
    axis = axis or "parameters"
    if size not in SIZES or memory not in MEMORIES or axis not in AXES:
        raise BadInput
    narrowed = BoardFilter(
        licence=licence[:100], parameters_max=SIZES[size][1], memory_max=GIGABYTE * int(memory) if memory else None
    )
    rows = leaderboard(found, user=user)
    shown_rows = leaderboard(found, user=user, narrowed=narrowed) if size or memory or licence else rows
    shown_rows, costs = _costs(shown_rows, hardware)
    shown = {
        **costs,
        "section": "leaderboards",
        "benchmark": found,
        "rows": shown_rows,
        "hidden": len(rows) - len(shown_rows),
        "chart": _chart(found, shown_rows, axis),
        "axis": axis,
        "axes": {name: words for name, (words, _unit) in AXES.items() if name == axis or _has(shown_rows, name)},
        "x_words": AXES[axis][1],
        "memory": memory,
        "memories": MEMORIES,
        "sizes": {name: words for name, (words, _limit) in SIZES.items()},
        "size": size,
        "licences": sorted({row.licence for row in rows if row.licence} | ({licence} if licence else set())),
        "licence": licence,
        "claims": claims_for(found, user=user, narrowed=narrowed) if with_claims else [],
        "with_claims": bool(with_claims),
        "models_to_run": urlencode({"task": found.accepts}, doseq=True),
        "api_query": _api_query(narrowed, with_claims=bool(with_claims)),
        "is_small": any(row.score.n < 200 for row in rows),
    }
    return render(request, "evaluation/board.html", shown)


def _costs(rows: list[BoardRow], asked: str) -> tuple[list[BoardRow], dict[str, Any]]:
    """The rows with figures of one hardware class alone, the one asked for or that of most rows, and what they show."""
    machines = hardware_classes(rows)
    hardware = asked if asked in machines else next(iter(machines), "")
    shown = comparable(rows, hardware)
    return shown, {
        "hardware": hardware,
        "machines": machines,
        "with_p50": any(row.p50_ms for row in shown),
        "with_speed": any(row.items_per_second for row in shown),
        "with_memory": any(row.peak_bytes for row in shown),
    }


def _labels_of(definition: Definition) -> list[str]:
    """Names; of classes that are compared by number the first and the last."""
    names = list(definition.label_names)
    return [names[0], "…", names[-1]] if are_numbers(names) else names


def _reference(definition: Definition) -> str:
    """Where the benchmark comes from; only a web address becomes a link."""
    return definition.reference if definition.reference.startswith(("https://", "http://")) else ""


def _api_query(narrowed: BoardFilter, *, with_claims: bool) -> str:
    """The filters in the words of the API, so that its rows are the rows of the page."""
    wanted = {
        "license": narrowed.licence,
        "max_parameters": narrowed.parameters_max,
        "max_memory_gb": narrowed.memory_max and narrowed.memory_max // GIGABYTE,
        "claimed": with_claims and 1,
    }
    return urlencode({name: value for name, value in wanted.items() if value})


def _board(found: Benchmark, user: User | None) -> Board:
    rows = leaderboard(found, user=user)
    return Board(found, rows[:TOP], len(rows))


def _chart(found: Benchmark, rows: list[BoardRow], axis: str) -> charts.Scatter | None:
    data = []
    for row in rows:
        place = _place(row, axis)
        if place is None:
            continue
        scale = numbers.scale_of(row.score)
        low, high = row.score.low, row.score.high
        data.append(
            Datum(
                x=place,
                y=row.score.value * scale,
                low=None if low is None else low * scale,
                high=None if high is None else high * scale,
                name=row.repo.full_name,
                href=row.repo.web_path,
            )
        )
    return charts.scatter(data, higher_is_better=found.higher_is_better)


def _place(row: BoardRow, axis: str) -> float | None:
    match axis:
        case "time":
            return 1000 / row.items_per_second if row.items_per_second else None
        case "p50":
            return row.p50_ms
        case "memory":
            return row.peak_bytes / GIGABYTE if row.peak_bytes else None
        case "energy":
            return row.joules
    return float(row.parameters) if row.parameters else None


def _has(rows: list[BoardRow], axis: str) -> bool:
    return axis in ("parameters", "time") or any(_place(row, axis) is not None for row in rows)


def _metrics_of(definition: Definition) -> list[dict[str, Any]]:
    return [{"name": use.name, "primary": use.primary, "params": dict(use.params)} for use in definition.metrics]
