"""Benchmarks and the definitions behind them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.strict import build
from evaluation.errors import BenchmarkNotFound
from evaluation.models import Benchmark


def current_benchmarks() -> list[Benchmark]:
    """The version in use of every benchmark, by title."""
    return list(Benchmark.objects.current().order_by("title", "slug"))


def benchmark_named(slug: str, version: int | None = None) -> Benchmark:
    """One benchmark, in its current version unless another is named. Raises `BenchmarkNotFound`."""
    found = Benchmark.objects.filter(slug=slug)
    found = found.current() if version is None else found.filter(version=version)
    benchmark = found.first()
    if benchmark is None:
        raise BenchmarkNotFound(_("there is no benchmark named %(slug)r") % {"slug": slug})
    return benchmark


def benchmarks_for(task: str) -> list[Benchmark]:
    """Current, stable benchmarks that take models of this pipeline tag (decision 25)."""
    stable = Benchmark.objects.current().filter(status=Benchmark.Status.STABLE)
    return list(stable.filter(accepts__contains=[task]).order_by("slug"))


def definition_of(benchmark: Benchmark) -> Definition:
    """The definition a row was made from."""
    stored = dict(benchmark.definition)
    if stored.get("labels"):  # JSON has no number keys
        stored["labels"] = {int(number): label for number, label in stored["labels"].items()}
    return build(Definition, stored)
