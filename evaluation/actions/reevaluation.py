"""Measuring again what was measured before, because something it depends on is not the same any more.

New commits are `automatic`'s; here are new versions of a benchmark, runners that change scores, records that failed a
check, and results that grew old. The head of the model is measured, not the commit of back then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db.models import Exists, OuterRef
from django.utils import timezone

from catalog.errors import CatalogError
from evaluation.actions import runs
from evaluation.models import Baseline, Benchmark, Run, Score
from evaluation.models.run import RunQuerySet
from evaluation.runner import RUNNER_VERSION

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 20  # of each cause, in one sweep
MOST_LOOKED_AT: Final = 500  # of each cause; those that cannot be repeated stay in the list, and others lie behind
TRIED_AGAIN_SECONDS: Final = 86_400
Wanted = tuple[Run, Benchmark, str]  # what was measured, on what it shall be, and why


def schedule() -> list[Run]:
    """Queue what is due; each once a day at most, behind everything anybody asked for."""
    if not settings.AUTO_EVALUATE:
        return []
    causes = (_of_older_versions, _of_other_runners, _of_broken_records, _of_old_age)
    found = [wanted for cause in causes for wanted in _untried(cause())]
    return [run for wanted in found if (run := _request(*wanted)) is not None]


def _untried(found: Iterator[Wanted]) -> list[Wanted]:
    """The first that were not tried today."""
    by_key = {_key(*wanted): wanted for wanted in found}
    tried = cache.get_many(by_key)
    return [wanted for key, wanted in by_key.items() if key not in tried][:MOST_AT_ONCE]


def _of_older_versions() -> Iterator[Wanted]:
    """Models with a score on an older version of a benchmark, and no run on the present one."""
    present = (
        Benchmark.objects.current()
        .of_everybody()
        .filter(status=Benchmark.Status.STABLE, slug=OuterRef("benchmark__slug"))
    )
    known = Run.objects.filter(
        kind=Run.Kind.FULL,
        repo=OuterRef("repo"),
        benchmark__slug=OuterRef("benchmark__slug"),
        benchmark__is_current=True,
    )
    rows = list(_current(benchmark__is_current=False).filter(Exists(present)).exclude(Exists(known))[:MOST_LOOKED_AT])
    found = Benchmark.objects.current().filter(slug__in={run.benchmark.slug for run in rows})
    by_slug = {benchmark.slug: benchmark for benchmark in found}
    for run in rows:
        yield run, by_slug[run.benchmark.slug], Run.Trigger.VERSION


def _of_other_runners() -> Iterator[Wanted]:
    """Task families whose sentinels score otherwise under this runner than under the one before."""
    altered = Baseline.objects.filter(runner_version=RUNNER_VERSION, alters_scores=True, sentinel__is_active=True)
    tasks = altered.values_list("sentinel__benchmark__task", flat=True).distinct()
    rows = _current(benchmark__is_current=True, benchmark__task__in=tasks).exclude(runner_version=RUNNER_VERSION)
    for run in rows[:MOST_LOOKED_AT]:
        yield run, run.benchmark, Run.Trigger.RUNNER


def _of_broken_records() -> Iterator[Wanted]:
    newer = Run.objects.filter(
        kind=Run.Kind.FULL, repo=OuterRef("repo"), benchmark=OuterRef("benchmark"), pk__gt=OuterRef("pk")
    ).exclude(state__in=[Run.State.FAILED, Run.State.CANCELLED])
    broken = Run.objects.filter(
        kind=Run.Kind.FULL, benchmark__is_current=True, benchmark__namespace=None, repo__deleted_at=None
    )
    broken = broken.exclude(integrity_problem="").exclude(Exists(newer)).select_related("repo__namespace", "benchmark")
    for run in broken.defer("log").order_by("pk")[:MOST_LOOKED_AT]:
        yield run, run.benchmark, Run.Trigger.INTEGRITY


def _of_old_age() -> Iterator[Wanted]:
    if not settings.REEVALUATE_DAYS:
        return
    before = timezone.now() - timedelta(days=settings.REEVALUATE_DAYS)
    for run in _current(benchmark__is_current=True, finished_at__lt=before)[:MOST_LOOKED_AT]:
        yield run, run.benchmark, Run.Trigger.AGE


def _current(**narrowed: object) -> RunQuerySet:
    """Runs whose scores count, with nothing newer under way, oldest first."""
    counting = Score.objects.filter(run=OuterRef("pk"), is_current=True, is_primary=True, slice="")
    under_way = Run.objects.active().filter(
        kind=Run.Kind.FULL, repo=OuterRef("repo"), benchmark__slug=OuterRef("benchmark__slug")
    )
    rows = Run.objects.filter(Exists(counting), kind=Run.Kind.FULL, repo__deleted_at=None, **narrowed)
    rows = rows.filter(benchmark__namespace=None)  # a team's data is read with the rights of who asks
    rows = rows.exclude(Exists(under_way)).select_related("repo__namespace", "benchmark").defer("log")
    return rows.order_by("finished_at", "pk")


def _key(run: Run, benchmark: Benchmark, trigger: str) -> str:
    return f"reevaluation:{run.pk}:{benchmark.pk}:{trigger}"


def _request(run: Run, benchmark: Benchmark, trigger: str) -> Run | None:
    if not cache.add(_key(run, benchmark, trigger), 1, TRIED_AGAIN_SECONDS):
        return None  # tried a while ago: it does not fit, or failed
    try:
        made, created = runs.request_run(repo=run.repo, benchmark=benchmark, trigger=trigger, again=True)
    except CatalogError as problem:
        logger.info("run %d is not repeated: %s", run.pk, problem)
        return None
    return made if created else None
