"""The queue as nodes and people see it: is there work, and how far down is this run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from catalog.models import Repo
from evaluation.jobs import CHANNEL
from evaluation.models import Node, Run
from evaluation.models.run import RunQuerySet

EXCLUDED_FOR = timedelta(minutes=15)  # after that, any node is better than none


def claimable(*, queues: Iterable[str], node: Node) -> RunQuerySet:
    """Queued runs this node may take now, the next one first: asked-for before automatic, then by age."""
    now = timezone.now()
    excluded = Q(excluded_node=node, not_before__gt=now - EXCLUDED_FOR)
    due = Run.objects.filter(state=Run.State.QUEUED, queue__in=list(queues), not_before__lte=now)
    due = due.filter(repo__in=Repo.objects.live())  # no join: the claim locks the run's row alone
    due = due.filter(Q(for_node=None) | Q(for_node=node))
    if node.paused_at is not None:  # it may show that it is well again, and nothing else
        due = due.filter(kind=Run.Kind.SENTINEL)
    return due.exclude(excluded).order_by("-priority", "created_at", "pk")


def position_of(run: Run) -> int | None:
    """1 for the next run of its queue; None once it has left the queue."""
    if run.state != Run.State.QUEUED:
        return None
    before = Q(priority__gt=run.priority) | Q(priority=run.priority, created_at__lt=run.created_at)
    return Run.objects.filter(before, state=Run.State.QUEUED, queue=run.queue).count() + 1


@contextmanager
def listening() -> Iterator[Callable[[float], None]]:
    """Gives a function that waits until a run is queued, at most so many seconds.

    PostgreSQL sends the notice with the commit that queues the run, so a waiting node costs no
    queries. It may be missed (another database session in between): callers look again each second.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {CHANNEL}")
    try:
        yield _wait
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"UNLISTEN {CHANNEL}")


def _wait(seconds: float) -> None:
    connection.ensure_connection()
    raw = connection.connection
    if raw is not None:
        for _ in raw.notifies(timeout=seconds, stop_after=1):
            return
