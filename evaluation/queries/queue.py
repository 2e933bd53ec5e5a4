"""The queue as nodes see it: what may be claimed, whose turn it is, and waiting for work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Case, Count, F, IntegerField, Q, Value, When
from django.utils import timezone

from catalog.models import Repo
from evaluation.jobs import CHANNEL
from evaluation.models import Node, Run
from evaluation.models.run import RunQuerySet
from evaluation.queries import classes

EXCLUDED_FOR = timedelta(minutes=15)  # after that, any node is better than none
ASKED_FOR, AUTOMATIC = 10, 0  # priorities
A_CLASS_UP_AFTER: Final = timedelta(minutes=15)  # on a node above its own: small work does not wait for ever
AS_ASKED_FOR_AFTER: Final = timedelta(hours=2)  # nor does automatic work
_CLAIMS: Final = 0x65_76_63_6C_61_69_6D  # advisory lock: "evclaim"


def claimable(*, queues: Iterable[str], node: Node) -> RunQuerySet:
    """Queued runs this node may take now, in no order."""
    if node.draining_since is not None or not node.is_active:
        return Run.objects.none()
    now = timezone.now()
    excluded = Q(excluded_node=node, not_before__gt=now - EXCLUDED_FOR)
    due = Run.objects.filter(state=Run.State.QUEUED, queue__in=list(queues), not_before__lte=now)
    due = due.filter(repo__in=Repo.objects.live())
    due = due.filter(Q(for_node=None) | Q(for_node=node))
    if node.paused_at is not None:  # it may show that it is well again, and nothing else
        due = due.filter(kind=Run.Kind.SENTINEL)
    memory = classes.memory_gb(node.hardware, node.versions)
    if memory is not None:
        due = due.filter(memory_gb__lte=classes.USABLE * memory)
    return due.exclude(excluded)


def in_turn(due: RunQuerySet, *, queues: Iterable[str], node: Node) -> RunQuerySet:
    """The same runs, the next one first; without those of accounts that have as much under way as they may.

    This node's own sentinels; then its class before smaller ones, asked-for before automatic, the account with the
    least under way, of those the one that was served longest ago, and the oldest run. Waiting moves a run up in the
    first two. Call with `lock_claims` held, or two nodes that claim at once see the same account as next.
    """
    under_way = _nodes_at_work(Run.objects.all())
    due = _without_full(due, under_way)
    now = timezone.now()
    return due.alias(
        is_own=Case(When(for_node=node, then=1), default=0),
        class_rank=_class_rank(list(queues), now),
        urgency=Case(
            When(priority__lt=ASKED_FOR, created_at__lte=now - AS_ASKED_FOR_AFTER, then=Value(ASKED_FOR)),
            default=F("priority"), output_field=IntegerField(),
        ),
        under_way=Case(
            When(account=None, then=Value(0)),  # there must be one, even where nothing is under way
            *(When(account=account, then=Value(count)) for account, count in under_way.items()),
            default=Value(0), output_field=IntegerField(),
        ),
    ).order_by(
        "-is_own", "-class_rank", "-urgency", "under_way", F("account__turn__served_at").asc(nulls_first=True),
        "created_at", "pk",
    )  # fmt: skip


def companions(run: Run, node: Node) -> RunQuerySet:
    """Queued runs that may share the process of `run`, which this node holds (ADR 0026); the next one first.

    The same files under the same rules, seen by the same people: whatever the model learns from one run's inputs
    it could write into another's outputs.
    """
    same = {
        name: getattr(run, name)
        for name in ("repo_id", "commit_oid", "kind", "queue", "escalated_from", "memory_gb", "for_node_id")
    }
    due = claimable(queues=[run.queue], node=node).filter(**same, benchmark__namespace=run.benchmark.namespace_id)
    # One node works on them one after the other, so with it an account has no more at work than before.
    due = _without_full(due, _nodes_at_work(Run.objects.exclude(node=node)))
    return due.order_by("-priority", "created_at", "pk")


def _nodes_at_work(runs: RunQuerySet) -> dict[int, int]:
    """By account: on how many nodes these runs are."""
    leased = runs.filter(state__in=Run.LEASED, account__isnull=False).order_by().values_list("account")
    return dict(leased.annotate(Count("node", distinct=True)))


def _without_full(due: RunQuerySet, under_way: dict[int, int]) -> RunQuerySet:
    most = settings.EVAL_RUNS_PER_ACCOUNT
    full = [account for account, count in under_way.items() if most and count >= most]
    return due.exclude(account__in=full) if full else due


def lock_claims() -> None:
    """Until the end of this transaction nobody else claims or starts to drain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIMS])


def _class_rank(queues: list[str], now: datetime) -> Case:
    """How near a run is to the node's own class, the largest it serves: one nearer for each quarter of an hour."""
    own = max((classes.rank(name) for name in queues), default=0)
    steps = [
        When(queue=name, created_at__lte=now - up * A_CLASS_UP_AFTER, then=Value(classes.rank(name) + up))
        for name in queues
        for up in range(own - classes.rank(name), 0, -1)
    ]
    ranks = [When(queue=name, then=Value(classes.rank(name))) for name in queues]
    return Case(*steps, *ranks, default=Value(0), output_field=IntegerField())


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
