"""Runs nobody asked for: after an upload, once it has come to rest (decision 24)."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from catalog.errors import CatalogError
from catalog.models import Repo, RepoFacts
from evaluation.actions import runs
from evaluation.errors import NotEvaluable
from evaluation.models import AutomaticCheck, Run
from evaluation.queries import evaluability
from evaluation.queries.benchmarks import benchmarks_for
from evaluation.queries.snapshots import snapshot_of

logger = logging.getLogger(__name__)

LOOKED_BACK = timedelta(days=1)  # an older head is not news, even if no worker ran at the time
MOST_AT_ONCE = 100


def schedule_automatic() -> list[Run]:
    """Queue what the uploads of the last day deserve; each head is looked at once."""
    if not settings.AUTO_EVALUATE:
        return []
    queued: list[Run] = []
    for facts in _fresh_heads():
        queued += _schedule(facts)
    return queued


def _fresh_heads() -> list[RepoFacts]:
    """Models whose last commit is old enough that no other follows it, and that were not looked at yet."""
    now = timezone.now()
    rested = now - timedelta(seconds=settings.AUTO_EVALUATE_DELAY_SECONDS)
    looked_at = AutomaticCheck.objects.filter(repo=OuterRef("repo"), commit_oid=OuterRef("commit__oid"))
    due = RepoFacts.objects.filter(
        kind=Repo.Kind.MODEL,
        repo__deleted_at=None,
        commit__isnull=False,
        updated_at__gt=now - LOOKED_BACK,
        updated_at__lte=rested,
    )
    fresh = due.exclude(Exists(looked_at)).select_related("commit", "repo__namespace", "repo__facts")
    return list(fresh.order_by(F("updated_at").asc())[:MOST_AT_ONCE])


@transaction.atomic
def _schedule(facts: RepoFacts) -> list[Run]:
    repo, commit = facts.repo, facts.commit
    if commit is None:
        return []
    AutomaticCheck.objects.update_or_create(
        repo=repo, defaults={"commit_oid": commit.oid, "checked_at": timezone.now()}
    )
    if not facts.task or not evaluability.is_complete(snapshot_of(commit)):
        return []
    made: list[Run] = []
    for benchmark in benchmarks_for(facts.task, repo.namespace):
        try:
            run, created = runs.request_run(
                repo=repo, benchmark=benchmark, revision=commit.oid, trigger=Run.Trigger.UPLOAD
            )
        except NotEvaluable:
            continue  # nobody asked, so nobody is told; a request would say why
        except CatalogError:
            logger.exception("no automatic run of %s on %s", repo.full_name, benchmark)
            continue  # one damaged repo must not keep the others waiting
        _cancel_superseded(run)
        made += [run] if created else []
    return made


def _cancel_superseded(run: Run) -> None:
    """Automatic runs of older heads that no node has begun are of no use any more."""
    older = Run.objects.filter(
        repo=run.repo, benchmark__slug=run.benchmark.slug, trigger=Run.Trigger.UPLOAD, state=Run.State.QUEUED
    )
    for superseded in older.filter(pk__lt=run.pk):
        runs.cancel_run(run=superseded)
