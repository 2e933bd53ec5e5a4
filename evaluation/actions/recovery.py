"""Taking back what nodes and workers dropped: called by the sweep, and when a node starts anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Repo
from evaluation import jobs
from evaluation.actions import attempts
from evaluation.actions.leases import fail
from evaluation.models import Node, Run

MOST_SCORING_ATTEMPTS: Final = 3
NUDGE_AGAIN_AFTER: Final = timedelta(minutes=1)


def expire_leases() -> int:
    """Take back the runs of nodes and workers that fell silent. Returns how many were found."""
    now = timezone.now()
    lost = Run.objects.filter(state__in=Run.LEASED, lease_until__lt=now).values_list("pk", flat=True)
    waiting = Run.objects.filter(state=Run.State.SCORING).exclude(lease_until__gte=now)
    unscored = waiting.exclude(nudged_at__gt=now - NUDGE_AGAIN_AFTER).values_list("pk", flat=True)
    return sum(_expire(pk) for pk in lost) + sum(_score_again(pk) for pk in unscored)


def release_leases(node: Node) -> int:
    """The process of this node started anew, so whatever it held is lost now, not in 90 seconds.

    The machine is well again: another attempt need not wait.
    """
    held = Run.objects.filter(node=node, state__in=Run.LEASED).values_list("pk", flat=True)
    return sum(_release(pk, node) for pk in held)


@transaction.atomic
def cancel_runs_of_deleted_models() -> int:
    """Nobody can see these any more. Returns how many there were."""
    active = Run.objects.active().filter(repo__in=Repo.objects.filter(deleted_at__isnull=False))
    # Runs before their attempts, as everybody locks them; and what ended meanwhile keeps how it ended.
    ids = list(active.select_for_update().order_by("pk").values_list("pk", flat=True))
    attempts.cancel(ids)
    return Run.objects.filter(pk__in=ids).update(
        state=Run.State.CANCELLED, finished_at=timezone.now(), lease_until=None
    )


@transaction.atomic
def _expire(run_id: int) -> int:
    run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id, state__in=Run.LEASED).first()
    if run is None or run.lease_until is None or run.lease_until >= timezone.now():
        return 0
    fail(run, "lost", _("The machine that evaluated this model stopped answering."))
    return 1


@transaction.atomic
def _release(run_id: int, node: Node) -> int:
    held = Run.objects.select_for_update().filter(pk=run_id, node=node, state__in=Run.LEASED).first()
    if held is None:
        return 0
    fail(held, "lost", _("The machine that evaluated this model was restarted."), delay=timedelta(0))
    jobs.wake_nodes(held.queue)
    return 1


@transaction.atomic
def _score_again(run_id: int) -> int:
    run = Run.objects.select_for_update(skip_locked=True).filter(pk=run_id, state=Run.State.SCORING).first()
    if run is None or (run.lease_until is not None and run.lease_until >= timezone.now()):
        return 0
    if run.scoring_attempts >= MOST_SCORING_ATTEMPTS:
        fail(run, "scoring_failed", _("The results could not be scored; the operator finds the cause in the log."))
    else:
        jobs.score_run(run)
    return 1
