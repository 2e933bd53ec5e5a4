"""The lease protocol: who works on a run, and what becomes of it when they stop (evaluation-notes 9).

Every step locks the run's row alone and compares state and lease token first, so that a message that
comes twice, late or from a node that lost its run changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from catalog.models import Repo
from evaluation import jobs
from evaluation.actions import attempts
from evaluation.errors import RunIsOver, RunLeaseLost
from evaluation.models import Node, Run
from evaluation.models.attempt import DONE
from evaluation.models.node import NODE_ALIVE
from evaluation.models.run import LEASE, RunQuerySet
from evaluation.queries import placement, queue

FINAL_REASONS: Final = frozenset({"does_not_fit", "unsupported", "bad_output", "timeout", "sandbox_violation"})
TRANSIENT_REASONS: Final = frozenset({"lost", "node_error", "data_unavailable"})
BACKOFF: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
LOG_LINES, LONGEST_LINE, LONGEST_REASON = 200, 500, 2_000
MOST_TRIED: Final = 10  # runs of one claim that others are changing just then
SCORING_LEASE: Final = timedelta(minutes=5)  # longer than the task may run
WAITING: Final = "waiting"  # for those before it in the same process
PHASES: Final = {
    "fetching": Run.State.CLAIMED,
    WAITING: Run.State.CLAIMED,
    "loading": Run.State.CLAIMED,
    "running": Run.State.RUNNING,
    "measuring": Run.State.RUNNING,
    "explaining": Run.State.RUNNING,
    "uploading": Run.State.RUNNING,
}


@dataclass(frozen=True)
class Report:
    """What a heartbeat says; checked for shape by the face, not for truth."""

    phase: str
    done: int = 0
    total: int = 0
    rate: float = 0.0  # items a second
    log: tuple[str, ...] = ()


@transaction.atomic
def claim_run(*, node: Node, queues: Iterable[str], run_id: int | None = None) -> Run | None:
    """Give this node the next run of its queues, or the one it names; None when there is nothing for it.

    Claims happen one after the other, since whose turn it is depends on the claim before (ADR 0024); who finds nothing
    waits for nobody. A row that another session changes in this moment is skipped, not waited for.
    """
    queues = list(queues)
    if not queue.claimable(queues=queues, node=node).exists():
        return None
    queue.lock_claims()
    node = Node.objects.get(pk=node.pk)  # it may be draining by now
    due = queue.in_turn(queue.claimable(queues=queues, node=node), queues=queues, node=node)
    if run_id is not None:
        due = due.filter(pk=run_id)
    run = first_free(due.values_list("pk", flat=True)[:MOST_TRIED])
    return None if run is None else taken(run, node)


def taken(run: Run, node: Node) -> Run:
    """This locked run, leased to the node; in a transaction that holds the lock of claims."""
    now = timezone.now()
    run.state = Run.State.CLAIMED
    run.node, run.lease_token, run.lease_until = node, uuid.uuid4(), now + LEASE
    run.attempt += 1
    run.claimed_at, run.started_at = now, None
    run.progress, run.log = {"phase": "fetching"}, ""
    run.reason_code = run.reason = ""
    run.save()
    run.outputs.all().delete()  # what an attempt before this one left behind
    attempts.begin(run, node)
    return run


def first_free(in_turn: Iterable[int]) -> Run | None:
    """The first of these that nobody else is changing, locked. Apart: to lock while sorting would sort whole rows."""
    for pk in in_turn:
        run = Run.objects.select_for_update(skip_locked=True).filter(pk=pk, state=Run.State.QUEUED).first()
        if run is not None:
            return run
    return None


@transaction.atomic
def note_claim(*, run: Run, node: Node, inputs_digest: str, rows: int) -> None:
    """Freeze what the score page will say of this attempt: the items, and the machine as it describes itself now.

    Raises:
        RunLeaseLost
    """
    held = locked_leased(run.pk, node, _token_of(run))
    held.inputs_digest = run.inputs_digest = inputs_digest
    held.provenance = {
        "rows_expected": rows,
        "node": node.name,
        "node_is_embedded": node.is_embedded,
        "sandbox": node.sandbox,
        "hardware": node.hardware,
        "versions": node.versions,
    }
    held.save(update_fields=["inputs_digest", "provenance"])


def put_off(*, run: Run, node: Node, reason: str, message: str) -> None:
    """Our side cannot serve this run now: queue it again for later. Raises `RunLeaseLost`."""
    fail_run(run_id=run.pk, node=node, lease_token=_token_of(run), reason=reason, message=message)


@transaction.atomic
def heartbeat(*, run_id: int, node: Node, lease_token: uuid.UUID, report: Report) -> bool:
    """Extend the lease and note the progress. Returns whether the node shall stop: the run was cancelled.

    Raises:
        RunLeaseLost
    """
    run = _locked(run_id, node, lease_token)
    if run.state == Run.State.CANCELLED:
        return True
    if run.state not in Run.LEASED:
        raise RunLeaseLost
    now = timezone.now()
    run.lease_until = now + LEASE
    state = PHASES[report.phase]
    if state == Run.State.RUNNING and run.state != state:
        run.state, run.started_at = state, now
    if run.progress.get("phase") == WAITING != report.phase:
        attempts.begin_now(run)
    run.progress = _progress(report)
    run.log = _joined(run.log, report.log)
    run.save(update_fields=["state", "started_at", "lease_until", "progress", "log"])
    Node.objects.filter(pk=node.pk).update(last_seen_at=now)
    return False


def leased_run(*, run_id: int, node: Node, lease_token: uuid.UUID) -> Run:
    """The run this node works on now: the grant for its files, inputs and outputs. Raises `RunLeaseLost`."""
    held = held_by(run_id, node, lease_token).filter(state__in=Run.LEASED, repo__in=Repo.objects.live())
    run = held.select_related("repo__namespace", "benchmark").first()
    if run is None:
        raise RunLeaseLost
    return run


@transaction.atomic
def complete_run(*, run_id: int, node: Node, lease_token: uuid.UUID, converted: dict[str, Any] | None = None) -> Run:
    """The node is done; a trusted worker scores what it sent.

    Args:
        converted: weights that were pickled, as the node states it.

    Raises:
        RunLeaseLost
    """
    run = locked_leased(run_id, node, lease_token)
    run.state = Run.State.SCORING
    run.lease_token = run.lease_until = None
    run.scoring_attempts = 0
    run.progress = {"phase": "scoring"}
    run.provenance = run.provenance | {"converted": converted or {}}
    run.save(update_fields=["state", "lease_token", "lease_until", "scoring_attempts", "progress", "provenance"])
    attempts.end(run, DONE)
    jobs.score_run(run)
    return run


@transaction.atomic
def fail_run(
    *, run_id: int, node: Node, lease_token: uuid.UUID, reason: str, message: str, log: Iterable[str] = ()
) -> Run:
    """The node gives up. Causes that may pass are tried again later, the author's faults are final.

    Raises:
        RunLeaseLost
    """
    run = locked_leased(run_id, node, lease_token)
    run.log = _joined(run.log, log)
    if reason not in FINAL_REASONS | TRANSIENT_REASONS:
        reason = "node_error"
    if reason == "node_error" and _has_another_node(run, node):
        run.excluded_node = node
    fail(run, reason, message)
    return run


def fail(run: Run, reason: str, message: str, *, delay: timedelta | None = None) -> None:
    """Queue this locked run again when the cause may pass and attempts are left; else it has failed.

    One that did not fit moves up one class, once.

    Args:
        delay: until the next attempt; None for longer with each one.
    """
    run.reason_code, run.reason = reason, _plain(message)[:LONGEST_REASON]
    run.lease_token = run.lease_until = None
    run.progress = {}
    attempts.end(run, reason, run.reason)
    if reason == "does_not_fit" and (larger := placement.next_class(run)) is not None:
        _move_up(run, larger)
    elif reason in TRANSIENT_REASONS and run.attempt < run.max_attempts:
        run.state = Run.State.QUEUED
        backoff = BACKOFF[min(run.attempt, len(BACKOFF)) - 1]
        run.not_before = timezone.now() + (backoff if delay is None else delay)
    else:
        run.state, run.finished_at = Run.State.FAILED, timezone.now()
    run.save()


def _move_up(run: Run, larger: str) -> None:
    run.escalated_from, run.queue = run.queue, larger
    run.max_attempts = max(run.max_attempts, run.attempt + 1)
    run.state, run.not_before = Run.State.QUEUED, timezone.now()
    jobs.wake_nodes(larger)


@transaction.atomic
def claim_scoring(run_id: int) -> Run:
    """Lease a run for scoring. Raises `RunIsOver` when it is not waiting for that, or somebody scores it."""
    run = Run.objects.select_for_update().get(pk=run_id)
    now = timezone.now()
    if run.state != Run.State.SCORING or (run.lease_until is not None and run.lease_until > now):
        raise RunIsOver
    run.lease_token, run.lease_until = uuid.uuid4(), now + SCORING_LEASE
    run.scoring_attempts += 1
    run.save(update_fields=["lease_token", "lease_until", "scoring_attempts"])
    return run


def lock_scoring(run: Run) -> Run:
    """The row again, locked, while the scoring lease of `run` still holds. Raises `RunLeaseLost`."""
    same = Run.objects.select_for_update().filter(pk=run.pk, state=Run.State.SCORING, lease_token=run.lease_token)
    held = same.first()
    if held is None:
        raise RunLeaseLost
    return held


def _token_of(run: Run) -> uuid.UUID:
    if run.lease_token is None:
        raise RunLeaseLost
    return run.lease_token


def held_by(run_id: int, node: Node, lease_token: uuid.UUID) -> RunQuerySet:
    return Run.objects.filter(pk=run_id, node=node, lease_token=lease_token)


def _locked(run_id: int, node: Node, lease_token: uuid.UUID) -> Run:
    run = held_by(run_id, node, lease_token).select_for_update().first()
    if run is None:
        raise RunLeaseLost
    return run


def locked_leased(run_id: int, node: Node, lease_token: uuid.UUID) -> Run:
    run = _locked(run_id, node, lease_token)
    if run.state not in Run.LEASED:
        raise RunLeaseLost
    return run


def _has_another_node(run: Run, node: Node) -> bool:
    alive = Node.objects.filter(is_active=True, draining_since=None, last_seen_at__gt=timezone.now() - NODE_ALIVE)
    return alive.filter(queues__contains=[run.queue]).exclude(pk=node.pk).exists()


def _progress(report: Report) -> dict[str, str | int | float | None]:
    left = max(report.total - report.done, 0)
    eta = round(left / report.rate) if report.rate > 0 and report.total else None
    return {
        "phase": report.phase,
        "done": report.done,
        "total": report.total,
        "rate": round(report.rate, 3),
        "eta_seconds": eta,
    }


def _joined(log: str, lines: Iterable[str]) -> str:
    fresh = [_plain(line)[:LONGEST_LINE] for line in lines]
    return "\n".join([*log.splitlines(), *fresh][-LOG_LINES:])


def _plain(text: str) -> str:
    """Without control characters: what a node says is shown to people and kept in PostgreSQL (no NUL)."""
    return "".join(character if character.isprintable() else " " for character in text)
