"""Taking a result back without hiding that it was there."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.errors import BadInput
from catalog.models import User
from evaluation.errors import RunIsOver
from evaluation.models import Run, Score

LONGEST_REASON: Final = 500


@transaction.atomic
def withdraw_run(*, run: Run, reason: str, actor: User) -> Run:
    """Its scores count no longer; run, scores, record and reason stay visible, and so does the number of attempts.

    No older run takes its place: else whoever does not like the newest result could choose the one before.

    Raises:
        BadInput: no reason.
        RunIsOver: there is nothing to withdraw: it did not succeed, or was withdrawn before.
    """
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        raise BadInput(_("Say why this result is withdrawn; everybody will read it."))
    run = Run.objects.select_for_update(of=("self",)).select_related("repo__namespace", "benchmark").get(pk=run.pk)
    if run.state != Run.State.SUCCEEDED or run.withdrawn_at is not None:
        raise RunIsOver(_("run %(id)d has no result that counts") % {"id": run.pk})
    run.withdrawn_at, run.withdrawn_by, run.withdrawn_reason = timezone.now(), actor, reason
    run.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
    Score.objects.filter(run=run).update(is_current=False)
    audit.record(actor, "run.withdraw", audit.name_of(run.repo), run=run.pk, reason=reason)
    return run
