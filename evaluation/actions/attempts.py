"""Keeping what became of each claim; always inside the transaction that changes the run."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models.functions import Coalesce
from django.utils import timezone

from evaluation.models import Attempt, Node, Run, Turn
from evaluation.models.attempt import CANCELLED
from evaluation.queries import classes


def begin(run: Run, node: Node) -> None:
    """A node has claimed this run: its account had its turn."""
    now = run.claimed_at or timezone.now()
    Attempt.objects.create(
        run=run,
        number=run.attempt,
        node=node,
        queue=run.queue,
        node_class=classes.class_of(node.hardware, node.versions),
        began_at=now,
    )
    if run.account_id is not None:
        turn = Turn(account_id=run.account_id, served_at=now)
        Turn.objects.bulk_create([turn], update_conflicts=True, unique_fields=["account"], update_fields=["served_at"])


def begin_now(run: Run) -> None:
    """It waited for others in the same process; the time until now was theirs."""
    Attempt.objects.filter(run=run, number=run.attempt, ended_at=None).update(began_at=timezone.now())


def forget(run: Run) -> None:
    """The present attempt never began."""
    Attempt.objects.filter(run=run, number=run.attempt).delete()


def end(run: Run, outcome: str, reason: str = "") -> None:
    """The present attempt is over; what is found later, when it is scored, changes the outcome and not the time."""
    present = Attempt.objects.filter(run=run, number=run.attempt)
    present.update(outcome=outcome, reason=reason, ended_at=Coalesce("ended_at", timezone.now()))


def cancel(runs: Iterable[int]) -> None:
    """Those of these runs that are under way end with them."""
    under_way = Attempt.objects.filter(run__in=list(runs), ended_at=None)
    under_way.update(outcome=CANCELLED, ended_at=timezone.now())
