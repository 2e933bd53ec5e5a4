"""Watching over nodes with models whose scores are known (evaluation-notes 6)."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.models import Repo, User
from catalog.queries import trees
from evaluation import jobs
from evaluation.models import Baseline, Benchmark, Node, Run, Score, Sentinel, SentinelCheck
from evaluation.models.node import NODE_ALIVE
from evaluation.queries import evaluability
from evaluation.queries.snapshots import snapshot_of
from evaluation.queries.staleness import files_digest

FIRST: Final = 20  # before everything else: what drifts must not go on
GPU_TOLERANCE: Final = 1e-4  # float32; on a CPU the numbers must be the same
COARSE_TOLERANCE: Final = 0.003  # bfloat16, float16, and between classes of hardware
EXACT: Final = 1e-12  # a mean summed in another order


@transaction.atomic
def add_sentinel(*, repo: Repo, benchmark: Benchmark, revision: str = "", actor: User | None = None) -> Sentinel:
    """Pin a model revision as a known quantity for its task family. Raises `RevisionNotFound`, `NotEvaluable`."""
    commit = trees.resolve_revision(repo, revision or repo.default_branch)
    # Its runs are nobody's: data that only some may read is not there for them.
    evaluability.check_measurable(repo, commit, snapshot_of(commit), benchmark, user=None)
    sentinel, _created = Sentinel.objects.update_or_create(
        repo=repo, commit_oid=commit.oid, benchmark=benchmark, defaults={"is_active": True}
    )
    audit.record(actor, "sentinel.add", audit.name_of(repo), commit=commit.oid, benchmark=str(benchmark))
    return sentinel


@transaction.atomic
def remove_sentinel(*, sentinel: Sentinel, actor: User | None = None) -> None:
    """It is measured no more; what it found stays."""
    Sentinel.objects.filter(pk=sentinel.pk).update(is_active=False)
    audit.record(actor, "sentinel.remove", audit.name_of(sentinel.repo), benchmark=str(sentinel.benchmark))


def schedule(*, now: bool = False) -> list[Run]:
    """Queue what each living node owes each sentinel of its queues.

    Args:
        now: do not wait until `SENTINEL_DAYS` are over.
    """
    if not now and not settings.SENTINEL_DAYS:
        return []
    alive = Node.objects.filter(is_active=True, draining_since=None, last_seen_at__gt=timezone.now() - NODE_ALIVE)
    active = Sentinel.objects.filter(is_active=True, repo__deleted_at=None).select_related("repo", "benchmark")
    nodes, sentinels = list(alive), list(active)
    queued = [_queue(node, one) for node in nodes for one in sentinels if _is_due(node, one, now=now)]
    return [run for run in queued if run is not None]


def note_result(run: Run) -> None:
    """Compare a scored sentinel with the baseline of its class; pause the node where it drifted. Once per run."""
    sentinel = Sentinel.objects.filter(
        repo=run.repo, commit_oid=run.commit_oid, benchmark=run.benchmark, is_active=True
    ).first()
    score = Score.objects.filter(run=run, is_primary=True, slice="", is_superseded=False).first()
    if sentinel is None or score is None or run.node is None:
        return
    check = _checked(sentinel, run, run.node, score)
    check.save()
    if check.verdict == SentinelCheck.Verdict.DRIFTED:
        _pause(run.node, check)


@transaction.atomic
def resume(*, node: Node, actor: User | None = None, accept: bool = False) -> Node:
    """Publish again what this node measures.

    Args:
        accept: its present results are right, the baseline of its class is not (a new driver, say): take the next
            results as the baseline.
    """
    node = Node.objects.select_for_update().get(pk=node.pk)
    node.paused_at, node.paused_reason = None, ""
    node.save(update_fields=["paused_at", "paused_reason"])
    if accept:
        Baseline.objects.filter(hardware_class=hardware_class(node.hardware)).delete()
    audit.record(actor, "node.resume", f"node/{node.name}", accepted=accept)
    return node


def hardware_class(hardware: dict[str, Any]) -> str:
    """What numbers may depend on: the models of the GPUs, else of the CPU, as the node states them."""
    gpus = hardware.get("gpus")
    names = [str(gpu.get("name", "GPU")) for gpu in gpus if isinstance(gpu, dict)] if isinstance(gpus, list) else []
    return (" + ".join(sorted(names)) or f"CPU {hardware.get('cpu') or 'unknown'}")[:200]


def _is_due(node: Node, sentinel: Sentinel, *, now: bool) -> bool:
    if sentinel.benchmark.queue not in node.queues:
        return False
    same = Run.objects.filter(
        kind=Run.Kind.SENTINEL, for_node=node, repo=sentinel.repo, benchmark=sentinel.benchmark,
        commit_oid=sentinel.commit_oid,
    )  # fmt: skip
    if now:
        return not same.active().exists()
    since = timezone.now() - timedelta(days=settings.SENTINEL_DAYS)
    return not (same.active() | same.filter(created_at__gt=since)).exists()


def _queue(node: Node, sentinel: Sentinel) -> Run | None:
    commit = sentinel.repo.commits.filter(oid=sentinel.commit_oid).first()
    if commit is None:  # its history was rewritten
        Sentinel.objects.filter(pk=sentinel.pk).update(is_active=False)
        return None
    seed = f"{sentinel.pk}/{node.pk}/{uuid.uuid4()}"  # never the answer to anybody's request
    try:
        with transaction.atomic():
            run = Run.objects.create(
                repo=sentinel.repo,
                commit_oid=sentinel.commit_oid,
                revision=sentinel.commit_oid,
                benchmark=sentinel.benchmark,
                run_key=hashlib.sha256(seed.encode()).hexdigest(),
                files_digest=files_digest(snapshot_of(commit)),
                trigger=Run.Trigger.SENTINEL,
                kind=Run.Kind.SENTINEL,
                priority=FIRST,
                queue=sentinel.benchmark.queue,
                for_node=node,
            )
            jobs.wake_nodes(run.queue)
    except IntegrityError:
        return None
    return run


def _checked(sentinel: Sentinel, run: Run, node: Node, score: Score) -> SentinelCheck:
    kind = hardware_class(run.provenance.get("hardware") or {})
    baseline, is_first = _baseline(sentinel, kind, run, score)
    expected, tolerance = baseline.value, _tolerance(run, score)
    if is_first:
        other = _other_class(sentinel, baseline)
        if other is not None:  # a machine of a kind never seen before still has to be near the others
            expected, tolerance = other.value, _coarse(score)
    drifted = abs(score.value - expected) > tolerance
    if drifted and is_first:
        baseline.delete()
    verdict = SentinelCheck.Verdict.BASELINE if is_first else SentinelCheck.Verdict.STEADY
    return SentinelCheck(
        sentinel=sentinel,
        node=node,
        run=run,
        hardware_class=kind,
        value=score.value,
        expected=expected,
        tolerance=tolerance,
        verdict=SentinelCheck.Verdict.DRIFTED if drifted else verdict,
    )


def _baseline(sentinel: Sentinel, kind: str, run: Run, score: Score) -> tuple[Baseline, bool]:
    before = Baseline.objects.filter(sentinel=sentinel, hardware_class=kind).order_by("-created_at").first()
    alters = before is not None and abs(before.value - score.value) > _tolerance(run, score)
    return Baseline.objects.get_or_create(
        sentinel=sentinel,
        hardware_class=kind,
        runner_version=run.runner_version,
        defaults={"value": score.value, "run": run, "alters_scores": alters},
    )


def _other_class(sentinel: Sentinel, baseline: Baseline) -> Baseline | None:
    others = Baseline.objects.filter(sentinel=sentinel, runner_version=baseline.runner_version)
    return others.exclude(pk=baseline.pk).order_by("created_at").first()


def _tolerance(run: Run, score: Score) -> float:
    """How far two runs of the same thing on the same kind of machine may be apart."""
    if run.measurements.get("dtype") in ("bfloat16", "float16"):
        return _coarse(score)
    return EXACT if run.measurements.get("device", "cpu") == "cpu" else GPU_TOLERANCE


def _coarse(score: Score) -> float:
    width = score.high - score.low if score.low is not None and score.high is not None else 0.0
    return max(COARSE_TOLERANCE, width / 8)  # a quarter of half the interval


def _pause(node: Node, check: SentinelCheck) -> None:
    reason = _("%(sentinel)s scored %(value).5f here; %(expected).5f was expected.") % {
        "sentinel": check.sentinel, "value": check.value, "expected": check.expected,
    }  # fmt: skip
    changed = Node.objects.filter(pk=node.pk, paused_at=None).update(paused_at=timezone.now(), paused_reason=reason)
    if changed:
        audit.record(None, "node.pause", f"node/{node.name}", reason=reason)
