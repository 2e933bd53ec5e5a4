"""Benchmarks and the definitions behind them."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.models import Namespace, User
from evaluation.benchmarks.schema import Definition
from evaluation.benchmarks.strict import build
from evaluation.errors import BenchmarkNotFound
from evaluation.models import Benchmark


def slug_of(name: str, namespace: Namespace | None) -> str:
    """What a benchmark is called in addresses: its id, after its team's name where it is a team's.

    Ids have no two hyphens in a row and names have none either, so no team can take the name of another's benchmark.
    """
    if namespace is None:
        return name
    # Addresses have no dots in slugs; the doubled underscore keeps `a.b` and `a_-b` apart.
    return f"{namespace.key.replace('_', '__').replace('.', '_-')}--{name}"


def current_benchmarks(user: User | None) -> list[Benchmark]:
    """The version in use of every benchmark this person may see, by title."""
    found = Benchmark.objects.current().visible_to(user).select_related("namespace")
    return list(found.order_by("title", "slug"))


def benchmark_named(slug: str, user: User | None, version: int | None = None) -> Benchmark:
    """One benchmark, in its current version unless another is named.

    Raises:
        BenchmarkNotFound: there is none, or it is another team's.
    """
    found = Benchmark.objects.visible_to(user).select_related("namespace").filter(slug=slug)
    found = found.current() if version is None else found.filter(version=version)
    benchmark = found.first()
    if benchmark is None:
        raise BenchmarkNotFound(_("there is no benchmark named %(slug)r") % {"slug": slug})
    return benchmark


def benchmarks_for(task: str, namespace: Namespace) -> list[Benchmark]:
    """Current, stable benchmarks that measure models of this namespace and pipeline tag by themselves (decision 25).

    Those of the site, and the namespace's own: a team's benchmark never runs on what others upload, unasked.
    """
    stable = Benchmark.objects.current().filter(status=Benchmark.Status.STABLE)
    theirs = stable.filter(Q(namespace=None) | Q(namespace=namespace)).select_related("namespace")
    return list(theirs.filter(accepts__contains=[task]).order_by("slug"))


def definition_of(benchmark: Benchmark) -> Definition:
    """The definition a row was made from."""
    stored = dict(benchmark.definition)
    if stored.get("labels"):  # JSON has no number keys
        stored["labels"] = {int(number): label for number, label in stored["labels"].items()}
    return build(Definition, stored)
