"""Asking for evaluations and calling them off."""

from __future__ import annotations

import hashlib
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions.community import ratings
from catalog.errors import NotSignedIn
from catalog.models import Commit, Repo, User
from catalog.queries import trees
from evaluation import jobs, signing
from evaluation.actions import attempts
from evaluation.benchmarks.schema import Definition
from evaluation.errors import NotEvaluable, RunIsOver, TooManyRuns
from evaluation.models import Benchmark, Run
from evaluation.queries import evaluability, fit
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.queue import ASKED_FOR, AUTOMATIC
from evaluation.queries.snapshots import Snapshot, snapshot_of
from evaluation.queries.staleness import files_digest
from evaluation.runner import RUNNER_VERSION

MOST_ACTIVE_PER_PERSON: Final = 5  # decision 24


def request_run(
    *,
    repo: Repo,
    benchmark: Benchmark,
    revision: str = "",
    actor: User | None = None,
    trigger: str = Run.Trigger.MANUAL,
    again: bool = False,
) -> tuple[Run, bool]:
    """Have a revision measured. Where the same measurement is under way or done, that run is the answer.

    Args:
        revision: branch, tag or commit; "" is the default branch.
        again: measure, even where the same was measured before; what is under way still answers.
        actor: who asks; None only for automatic runs. May read the repo (checked by the face).

    Returns:
        The run, and whether it was created by this call.

    Raises:
        NotSignedIn, RevisionNotFound
        NotEvaluable: this model cannot be measured on this benchmark, or its data is not here; says why.
        TooManyRuns: the person has five active runs.
    """
    if actor is None and trigger == Run.Trigger.MANUAL:
        raise NotSignedIn
    revision = revision or repo.default_branch
    commit = trees.resolve_revision(repo, revision)
    wanted = _wanted(repo, commit, benchmark, actor)
    wanted.revision, wanted.trigger = revision, trigger
    run, created = _known_or_queued(wanted, again=again)
    if actor is not None:
        ratings.mark_verified_use(repo=repo, user=actor)
    return run, created


@transaction.atomic
def cancel_run(*, run: Run) -> Run:
    """Stop it, whatever it does: a node learns with its next heartbeat, and its results no longer count.

    Raises:
        RunIsOver: it has ended already.
    """
    run = Run.objects.select_for_update(of=("self",)).select_related("repo__namespace", "benchmark").get(pk=run.pk)
    if not run.is_active:
        raise RunIsOver(_("run %(id)d has ended: %(state)s") % {"id": run.pk, "state": run.get_state_display()})
    run.state = Run.State.CANCELLED
    run.finished_at = timezone.now()
    run.lease_until = None
    run.save(update_fields=["state", "finished_at", "lease_until"])
    attempts.cancel([run.pk])
    return run


def run_key(repo: Repo, snapshot: Snapshot, benchmark: Benchmark, definition: Definition, queue: str) -> str:
    """SHA-256 over all that can change the result; equal keys mean equal measurements (evaluation-notes 5).

    Files by digest, not by commit: an edit of the README makes nothing stale. The repo is part of it,
    so that equal weights in somebody else's private repo neither answer for ours nor show; so is a team's benchmark,
    or two teams with equal definitions would be told of each other's runs.
    """
    facts = {
        "repo": repo.public_id,
        "files": {file.path: file.sha256 for file in snapshot.files},
        "definition": benchmark.definition_hash,
        "runner": RUNNER_VERSION,
        "backend": definition.engine.name,
        "dtype": definition.dtype,
        "seed": definition.seed,
        "hardware_class": queue,  # resolves dtype "auto"
    }
    if benchmark.is_private:
        facts["benchmark"] = benchmark.slug
    return hashlib.sha256(signing.canonical(facts).encode()).hexdigest()


def _wanted(repo: Repo, commit: Commit, benchmark: Benchmark, actor: User | None) -> Run:
    """The measurement and its place, not saved yet. Raises `NotEvaluable`."""
    definition, snapshot = definition_of(benchmark), snapshot_of(commit)
    evaluability.check_measurable(repo, commit, snapshot, benchmark, user=actor)
    place = fit.fit_of(repo, commit, snapshot, definition, least=benchmark.queue)
    if place is None:  # too large for what the benchmark demands, though not for every node
        raise NotEvaluable(_("No class of nodes has the memory that this model needs on this benchmark."))
    return Run(
        repo=repo,
        commit_oid=commit.oid,
        benchmark=benchmark,
        run_key=run_key(repo, snapshot, benchmark, definition, place.queue),
        files_digest=files_digest(snapshot),
        requester=actor,
        priority=AUTOMATIC if actor is None else ASKED_FOR,
        account=repo.namespace if actor is None else actor.namespace,
        queue=place.queue,
        memory_gb=place.memory_gb,
    )


@transaction.atomic
def _known_or_queued(wanted: Run, *, again: bool) -> tuple[Run, bool]:
    if wanted.requester is not None:
        # One person's requests one after the other, or the limit could be passed by asking at once.
        User.objects.select_for_update().get(pk=wanted.requester.pk)
    known = _same_measurement(wanted, again=again)
    if known is not None:
        return known, False
    if wanted.requester is not None and wanted.requester.runs.active().count() >= MOST_ACTIVE_PER_PERSON:
        raise TooManyRuns(
            _("You have %(count)d active runs; wait for one to finish or cancel it.")
            % {"count": MOST_ACTIVE_PER_PERSON},
            retry_after_seconds=60,
        )
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError:  # somebody else asked for the same thing in this moment
        winner = _same_measurement(wanted, again=again)
        if winner is None:
            raise
        return winner, False
    jobs.wake_nodes(wanted.queue)
    return wanted, True


def _same_measurement(wanted: Run, *, again: bool) -> Run | None:
    usable = [*Run.ACTIVE] if again else [*Run.ACTIVE, Run.State.SUCCEEDED]
    same = Run.objects.filter(run_key=wanted.run_key, state__in=usable, withdrawn_at=None, integrity_problem="")
    known = same.order_by("-pk").first()
    if known is not None and known.state == Run.State.QUEUED and known.priority < wanted.priority:
        Run.objects.filter(pk=known.pk, state=Run.State.QUEUED).update(priority=wanted.priority)
    return known
