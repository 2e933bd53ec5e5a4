"""Who works on a sync run: claim, renew, hand back (security 13).

Every write compares `fence`, which grows with each claim: a worker that was thought dead and comes
back finds its fence outdated and writes nothing.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.errors import LeaseLost
from catalog.models import SyncRun

LEASE = timedelta(seconds=90)
MAX_ATTEMPTS = 5
BACKOFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
RESEND_AFTER = timedelta(seconds=60)  # a queued run nobody took: its message was lost


def claim(run_id: int) -> SyncRun | None:
    """Returns the run, now ours, or None when it is over, taken or not due yet."""
    now = timezone.now()
    due = Q(state=SyncRun.State.QUEUED) | Q(state=SyncRun.State.PAUSED, not_before__lte=now)
    claimed = SyncRun.objects.filter(due, pk=run_id).update(
        state=SyncRun.State.RUNNING,
        fence=F("fence") + 1,
        attempt=F("attempt") + 1,
        lease_until=now + LEASE,
        started_at=now,
        reason="",
        reason_code="",
    )
    if not claimed:
        return None
    return SyncRun.objects.select_related("mirror__repo__namespace", "mirror__created_by").get(pk=run_id)


def renew(run: SyncRun, **columns: object) -> None:
    """Extend the lease and record progress. Raises `LeaseLost`; nothing was written then."""
    _write(run, lease_until=timezone.now() + LEASE, **columns)


def finish(run: SyncRun, **columns: object) -> None:
    """End the run as succeeded. Raises `LeaseLost`."""
    _write(run, state=SyncRun.State.SUCCEEDED, lease_until=None, finished_at=timezone.now(), **columns)


def fail(run: SyncRun, *, code: str, reason: str) -> None:
    """End the run for good, with a sentence for its owner."""
    _write(
        run, state=SyncRun.State.FAILED, lease_until=None, finished_at=timezone.now(),
        reason_code=code, reason=reason,
    )  # fmt: skip


def hand_back(run: SyncRun, **columns: object) -> None:
    """Let others have a turn: queued again at the end, where it was. No attempt is counted: nothing went wrong."""
    _write(
        run, state=SyncRun.State.QUEUED, lease_until=None, not_before=timezone.now(),
        attempt=run.attempt - 1, **columns,
    )  # fmt: skip
    jobs.sync_mirror(run)


def pause(run: SyncRun, *, code: str, reason: str, retry_after_seconds: float | None) -> None:
    """Try again later, or fail when it was tried often enough."""
    if run.attempt >= MAX_ATTEMPTS:
        fail(run, code=code, reason=f"{reason} (tried {run.attempt} times)")
        return
    wait = BACKOFF[min(run.attempt, len(BACKOFF)) - 1]
    if retry_after_seconds is not None:
        wait = timedelta(seconds=min(retry_after_seconds, 3600.0))
    _write(
        run, state=SyncRun.State.PAUSED, lease_until=None, not_before=timezone.now() + wait,
        reason_code=code, reason=reason,
    )  # fmt: skip


@transaction.atomic
def expire() -> int:
    """Put runs of dead workers back into the queue and repeat lost messages; returns how many."""
    now = timezone.now()
    lost = SyncRun.objects.filter(state=SyncRun.State.RUNNING, lease_until__lt=now)
    lost.filter(attempt__gte=MAX_ATTEMPTS).update(
        state=SyncRun.State.FAILED, fence=F("fence") + 1, finished_at=now, reason_code="lost",
        reason="the worker died during each of several attempts",
    )  # fmt: skip
    lost.update(
        state=SyncRun.State.QUEUED, fence=F("fence") + 1, lease_until=None, not_before=now,
        reason_code="lost", reason="the worker died; the sync starts again where it was",
    )  # fmt: skip
    due = SyncRun.objects.select_for_update(skip_locked=True).filter(
        Q(state=SyncRun.State.QUEUED, created_at__lt=now - RESEND_AFTER)
        | Q(state=SyncRun.State.QUEUED, not_before__lte=now)
        | Q(state=SyncRun.State.PAUSED, not_before__lte=now)
    )
    for run in due.order_by(Coalesce("not_before", "created_at")):  # who waits longest comes first
        jobs.sync_mirror(run)
    return len(due)


def _write(run: SyncRun, **columns: object) -> None:
    held = SyncRun.objects.filter(pk=run.pk, fence=run.fence, state=SyncRun.State.RUNNING)
    if not held.update(**columns):
        raise LeaseLost(_("sync %(pk)s is somebody else's by now") % {"pk": run.pk})
    for name, value in columns.items():
        setattr(run, name, value)
