"""The nodes, the queues before them, and what fails: for the people who run the site. A constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, DateTimeField, DurationField, ExpressionWrapper, F, Max, Min, Q, Sum, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from evaluation.models import Attempt, Node, Run
from evaluation.models.attempt import CANCELLED, DONE
from evaluation.models.node import NODE_ALIVE
from evaluation.queries import classes

DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class NodeState:
    """One machine as it stands.

    Attributes:
        done, failed: attempts that ended in the last seven days.
        utilisation: share of the last day, or of its life if shorter, in which it had a run.
    """

    node: Node
    state: str  # working, idle, draining, paused, away
    running: list[int]
    done: int
    failed: int
    utilisation: float

    @property
    def node_class(self) -> str:
        return classes.class_of(self.node.hardware, self.node.versions)

    @property
    def memory_gb(self) -> float | None:
        return classes.memory_gb(self.node.hardware, self.node.versions)


@dataclass(frozen=True)
class QueueState:
    """The runs of one class that wait or are with nodes.

    Attributes:
        seconds: what the waiting ones are expected to take on one node, by what runs of their benchmarks took in the
            last seven days; None where nothing was measured yet.
        nodes: living ones that serve this class, without those that drain or are paused: these take none of it.
    """

    queue: str
    queued: int
    under_way: int
    oldest_at: datetime | None
    seconds: float | None
    nodes: int


@dataclass(frozen=True)
class Failure:
    """A reason for which attempts of the last seven days ended."""

    reason: str
    count: int
    newest_at: datetime
    run_id: int  # of one of them, the newest run


def nodes() -> list[NodeState]:
    """Those whose tokens are good, by name."""
    now = timezone.now()
    with_runs: dict[int | None, list[int]] = defaultdict(list)
    leased = Run.objects.filter(state__in=Run.LEASED).order_by("pk")
    for node, run in leased.values_list("node", "pk"):
        with_runs[node].append(run)
    ended = Attempt.objects.filter(ended_at__gt=now - WEEK).order_by().values_list("node")
    counts = {
        node: (done, failed)
        for node, done, failed in ended.annotate(
            done=Count("pk", filter=Q(outcome=DONE)), failed=Count("pk", filter=~Q(outcome__in=[DONE, CANCELLED]))
        )
    }
    busy = _busy(now)
    return [
        NodeState(
            node=node,
            state=_state(node, now, is_working=node.pk in with_runs),
            running=with_runs.get(node.pk, []),
            done=counts.get(node.pk, (0, 0))[0],
            failed=counts.get(node.pk, (0, 0))[1],
            utilisation=min(1.0, busy.get(node.pk, timedelta()) / max(min(DAY, now - node.created_at), NODE_ALIVE)),
        )
        for node in Node.objects.filter(is_active=True).order_by("name")
    ]


def queues() -> list[QueueState]:
    """Every class that a living node takes runs of or a run is of, the smallest first."""
    rows = Run.objects.filter(state__in=[Run.State.QUEUED, *Run.LEASED]).order_by().values_list("queue", "benchmark")
    found = list(
        rows.annotate(
            queued=Count("pk", filter=Q(state=Run.State.QUEUED)),
            under_way=Count("pk", filter=Q(state__in=Run.LEASED)),
            oldest_at=Min("created_at", filter=Q(state=Run.State.QUEUED)),
        )
    )
    alive = Node.objects.filter(is_active=True, last_seen_at__gt=timezone.now() - NODE_ALIVE)
    taking = alive.filter(draining_since=None, paused_at=None)
    serving = [queue for node in taking for queue in node.queues]
    took = _seconds_by_benchmark() if any(row[2] for row in found) else {}
    usual = sum(took.values()) / len(took) if took else None
    names = {*serving, *(row[0] for row in found), classes.CPU}
    return [
        _queue_state(name, [row for row in found if row[0] == name], took, usual, serving.count(name))
        for name in sorted(names, key=lambda name: (classes.rank(name), name))
    ]


def failures() -> list[Failure]:
    """The most frequent first."""
    ended = Attempt.objects.filter(ended_at__gt=timezone.now() - WEEK).exclude(outcome__in=[DONE, CANCELLED])
    found = (
        ended.order_by()
        .values_list("outcome")
        .annotate(count=Count("pk"), newest_at=Max("ended_at"), newest_run=Max("run"))
    )
    return sorted((Failure(*row) for row in found), key=lambda one: (-one.count, one.reason))


def _state(node: Node, now: datetime, *, is_working: bool) -> str:
    if node.last_seen_at is None or node.last_seen_at < now - NODE_ALIVE:
        return "away"
    if node.draining_since is not None:
        return "draining"
    if node.paused_at is not None:
        return "paused"
    return "working" if is_working else "idle"


def _busy(now: datetime) -> dict[int | None, timedelta]:
    """How long each node had a run within the last day."""
    since = now - DAY
    # An attempt that never ended counts while its run is with a node alone.
    within = Attempt.objects.filter(
        Q(ended_at__gt=since) | Q(ended_at=None, run__state__in=Run.LEASED, number=F("run__attempt"))
    )
    moment = {"output_field": DateTimeField()}
    spent = ExpressionWrapper(
        Coalesce("ended_at", Value(now), **moment) - Greatest("began_at", Value(since), **moment),
        output_field=DurationField(),
    )
    return dict(within.order_by().values_list("node").annotate(spent=Sum(spent)))


def _seconds_by_benchmark() -> dict[int, float]:
    done = Attempt.objects.filter(outcome=DONE, ended_at__gt=timezone.now() - WEEK)
    took = ExpressionWrapper(F("ended_at") - F("began_at"), output_field=DurationField())
    found = done.order_by().values_list("run__benchmark").annotate(mean=Avg(took))
    return {benchmark: mean.total_seconds() for benchmark, mean in found}


def _queue_state(
    queue: str,
    rows: list[tuple[str, int, int, int, datetime | None]],
    took: dict[int, float],
    usual: float | None,
    nodes: int,
) -> QueueState:
    waits_since = [oldest for *_rest, oldest in rows if oldest is not None]
    seconds = None if usual is None else sum(count * took.get(of, usual) for _name, of, count, *_rest in rows)
    return QueueState(
        queue=queue,
        queued=sum(row[2] for row in rows),
        under_way=sum(row[3] for row in rows),
        oldest_at=min(waits_since, default=None),
        seconds=seconds,
        nodes=nodes,
    )
