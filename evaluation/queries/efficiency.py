"""What runs cost: by run, by model, and how far the estimate of memory is from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.db.models import Avg, Count
from django.db.models.functions import Abs

from catalog.models import Repo, User
from catalog.queries.remembering import remembered
from evaluation.metrics.costs import COSTS
from evaluation.models import Benchmark, Figure, Run

MOST_RUNS: Final = 100  # of one model, the newest
_ORDER: Final = {name: number for number, name in enumerate(COSTS)}
FRESH_SECONDS, KEPT_SECONDS = 600, 86_400


@dataclass(frozen=True)
class Cost:
    """All figures of one run; they compare with those of the same hardware class alone."""

    run: Run
    benchmark: Benchmark
    hardware_class: str
    node: str
    protocol: int
    figures: list[Figure]

    @property
    def known(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.value is not None]

    @property
    def absent(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.value is None]


@dataclass(frozen=True)
class HardwareCosts:
    """What compares with each other, benchmark by benchmark."""

    hardware_class: str
    costs: list[Cost]


@dataclass(frozen=True)
class FitError:
    """How far the estimate of memory was from the measured peaks."""

    mean: float  # of the relative errors without their sign
    runs: int


def cost_of_run(run: Run) -> Cost | None:
    """None where its definition asked for none, or it is not scored yet."""
    figures = sorted(run.figures.all(), key=lambda figure: _ORDER.get(figure.name, len(_ORDER)))
    return _cost(run, figures) if figures else None


def costs_of(repo: Repo, user: User | None, *, hardware_class: str = "") -> list[Cost]:
    """The newest valid figures of a model per hardware class and benchmark, as far as this person may see them.

    Ordered by hardware class, so that what compares stands together.
    """
    rows = Figure.objects.filter(repo=repo).valid().visible_to(user).select_related("run", "benchmark")
    if hardware_class:
        rows = rows.filter(hardware_class=hardware_class)
    ordered = rows.defer("run__log", "benchmark__definition").order_by("-run_id", "pk")[: MOST_RUNS * len(COSTS)]
    newest: dict[tuple[str, int], Cost] = {}
    for _run_id, group in groupby(ordered, key=lambda figure: figure.run_id):
        figures = sorted(group, key=lambda figure: _ORDER.get(figure.name, len(_ORDER)))
        cost = _cost(figures[0].run, figures)
        newest.setdefault((cost.hardware_class, cost.benchmark.pk), cost)
    return sorted(newest.values(), key=lambda cost: (cost.hardware_class, cost.benchmark.title, -cost.run.pk))


def by_hardware(costs: list[Cost]) -> list[HardwareCosts]:
    """Costs in the order of `costs_of`, one group per hardware class."""
    return [HardwareCosts(name, list(group)) for name, group in groupby(costs, key=lambda cost: cost.hardware_class)]


def fit_error() -> FitError | None:
    """Over everything measured here that everybody may see; None before there is any. May be minutes old."""
    return remembered("evaluation:fit-error", _fit_error, fresh_seconds=FRESH_SECONDS, kept_seconds=KEPT_SECONDS).value


def _fit_error() -> FitError | None:
    found = (
        Figure.objects.filter(name="fit_error", value__isnull=False)
        .valid()
        .visible_to(None)
        .aggregate(mean=Avg(Abs("value")), runs=Count("pk"))
    )
    return FitError(found["mean"], found["runs"]) if found["runs"] else None


def _cost(run: Run, figures: list[Figure]) -> Cost:
    first = figures[0]
    return Cost(run, first.benchmark, first.hardware_class, first.node, first.protocol, figures)
