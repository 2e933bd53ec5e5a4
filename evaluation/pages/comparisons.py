"""Models beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from catalog import actors
from catalog.actors import Actor
from catalog.errors import BadInput, NotFound
from catalog.models import Repo
from evaluation import access
from evaluation.errors import NotComparable
from evaluation.models import Benchmark
from evaluation.pages.errors import page
from evaluation.queries import item_rights
from evaluation.queries.benchmarks import benchmark_named
from evaluation.queries.comparisons import compared, current_run
from evaluation.queries.contrast import WHICH, Contrast, contrasts

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

SHOWN = 50  # items; the files hold all
WHICH_WORDS: dict[str, StrPromise] = {
    "first_worse": _("the first fails, the second does not"),
    "second_worse": _("the second fails, the first does not"),
    "both_wrong": _("both fail"),
    "differ": _("they differ"),
    "all": _("all items"),
}


@dataclass(frozen=True)
class ItemTable:
    """The items behind one row, or why there are none to show."""

    metric: str = ""
    rows: tuple[Contrast, ...] = ()
    total: int = 0
    sees_data: bool = False
    problem: str = ""


@page
def compare(request: HttpRequest) -> HttpResponse:
    """The table of differences; with one benchmark and one other model, the items behind it, too."""
    actor, asked = actors.actor_of(request), request.GET
    names = [asked.get("first", "").strip(), *(name.strip() for name in asked.getlist("second") if name.strip())]
    which, slug = asked.get("which", WHICH[0]), asked.get("benchmark", "")
    if which not in WHICH:
        raise BadInput
    benchmark = benchmark_named(slug, actor.user) if slug else None
    repos, problem = _models(actor, names)
    items = None
    if benchmark is not None and len(repos) == 2:
        items = _items(actor, repos, benchmark, which)
    shown = {
        "section": "leaderboards",
        "first": names[0],
        "second": names[1] if len(names) > 1 else "",
        "repos": repos,
        "problem": problem,
        "benchmark": benchmark,
        "rows": compared(repos[0], repos[1:], user=actor.user, benchmark=benchmark) if repos else [],
        "items": items,
        "which": which,
        "whiches": WHICH_WORDS,
        "models_query": urlencode({"first": names[0], "second": names[1:]}, doseq=True),
        "query": urlencode({"first": names[0], "second": names[1:], "benchmark": slug, "which": which}, doseq=True),
    }
    return render(request, "evaluation/compare.html", shown)


def _models(actor: Actor, names: list[str]) -> tuple[list[Repo], str]:
    """The models, or a sentence: the form is shown again with what was typed."""
    if not any(names):
        return [], ""
    try:
        return access.models_to_compare(actor, names[0], names[1:]), ""
    except (BadInput, NotFound) as problem:
        return [], problem.message


def _items(actor: Actor, repos: list[Repo], benchmark: Benchmark, which: str) -> ItemTable:
    sees_data = item_rights.sees_items(actor, benchmark)
    try:
        first, second = (current_run(repo, benchmark) for repo in repos)
        metric, found = contrasts(first, second, which=which, with_data=sees_data)
    except NotComparable as problem:
        return ItemTable(problem=problem.message)
    return ItemTable(metric, tuple(found[:SHOWN]), len(found), sees_data)
