"""Further runs for a process that a node is about to start: claimed one by one, handed back untouched (ADR 0026)."""

from __future__ import annotations

import uuid
from typing import Final

from django.db import transaction

from evaluation import jobs
from evaluation.actions import attempts, leases
from evaluation.errors import RunLeaseLost
from evaluation.models import Node, Run
from evaluation.queries import queue
from evaluation.queries.benchmarks import definition_of

MOST_COMPANIONS: Final = 7  # with the first run eight: what a failure among them costs stays small


@transaction.atomic
def claim_companion(*, run_id: int, node: Node, lease_token: uuid.UUID) -> Run | None:
    """Give this node one more run for the process of the run that it holds; None when there is none (ADR 0026).

    It has its own lease, attempt and turn, as if it had been claimed alone.

    Raises:
        RunLeaseLost
    """
    first = leases.held_by(run_id, node, lease_token).filter(state__in=Run.LEASED).select_related("benchmark").first()
    if first is None:
        raise RunLeaseLost
    if not can_have_companions(first) or not queue.companions(first, node).exists():
        return None
    queue.lock_claims()
    node = Node.objects.get(pk=node.pk)
    if Run.objects.filter(node=node, state__in=Run.LEASED).count() > MOST_COMPANIONS:
        return None
    waiting = queue.companions(first, node).select_related("benchmark")[: leases.MOST_TRIED]
    run = leases.first_free(one.pk for one in waiting if _is_bound_alike(one, first))
    return None if run is None else leases.taken(run, node)


def can_have_companions(run: Run) -> bool:
    """Whether a run may share a process at all: what it costs or rests on is found alone, and so is a sentinel."""
    definition = definition_of(run.benchmark)
    return run.kind == Run.Kind.FULL and definition.efficiency is None and definition.interpret is None


def _is_bound_alike(run: Run, first: Run) -> bool:
    same_memory = definition_of(run.benchmark).limits.ram_gb == definition_of(first.benchmark).limits.ram_gb
    return can_have_companions(run) and same_memory


@transaction.atomic
def hand_back(*, run_id: int, node: Node, lease_token: uuid.UUID) -> Run:
    """A companion whose turn never came goes back to the queue, and the claim counts as no attempt.

    Raises:
        RunLeaseLost: also for a run that has begun.
    """
    run = leases.locked_leased(run_id, node, lease_token)
    if run.state != Run.State.CLAIMED:
        raise RunLeaseLost
    attempts.forget(run)
    run.attempt -= 1
    run.state, run.node, run.progress = Run.State.QUEUED, None, {}
    run.claimed_at = run.lease_token = run.lease_until = None
    run.save()
    jobs.wake_nodes(run.queue)
    return run
