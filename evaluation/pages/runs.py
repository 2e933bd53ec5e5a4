"""Runs: the list, one run as it happens, asking for one and stopping one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import access as catalog_access
from catalog import actors
from catalog.errors import BadInput
from catalog.models import Repo
from catalog.pages.frame import frame
from catalog.pages.polling import etag_of, fragment
from evaluation import access
from evaluation.actions import runs as actions
from evaluation.actions import withdrawal
from evaluation.errors import BenchmarkNotFound, NotEvaluable, RunIsOver, TooManyRuns
from evaluation.models import Benchmark, Run
from evaluation.pages.errors import page
from evaluation.queries import classes, item_rights, placement
from evaluation.queries.benchmarks import benchmark_named, current_benchmarks
from evaluation.queries.datasets import data_states
from evaluation.queries.diagnostics import diagnostics_of
from evaluation.queries.efficiency import by_hardware, cost_of_run, costs_of
from evaluation.queries.provenance import provenance_table
from evaluation.queries.runs import RunFilter, attempts_of, find_runs
from evaluation.queries.scores import parts_of, scores_of, scores_of_run, superseded_scores_of
from evaluation.queries.staleness import stale_of_repo
from evaluation.queries.verdicts import judged_claims

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

STATES = [Run.State.QUEUED, Run.State.RUNNING, Run.State.SUCCEEDED, Run.State.FAILED]
_STEPS: tuple[tuple[str, StrPromise], ...] = (
    (Run.State.QUEUED, gettext_lazy("queued")),
    (Run.State.CLAIMED, gettext_lazy("fetch")),
    (Run.State.RUNNING, gettext_lazy("run")),
    (Run.State.SCORING, gettext_lazy("score")),
    (Run.State.SUCCEEDED, gettext_lazy("done")),
)


@dataclass(frozen=True)
class Step:
    """One stage of a run: done, now, failed or ahead."""

    words: str
    status: str


@page
def run_list(request: HttpRequest) -> HttpResponse:
    state, slug = request.GET.get("state", ""), request.GET.get("benchmark", "")
    if state and state not in Run.State.values:
        raise BadInput
    user = actors.actor_of(request).user
    wanted = RunFilter(benchmark=benchmark_named(slug, user) if slug else None, state=state)
    found = find_runs(user=user, wanted=wanted, cursor=request.GET.get("cursor", ""))
    shown = {
        "section": "runs",
        "runs": found.items,
        "state": state,
        "states": STATES,
        "next_url": _next_url(request, found.next_cursor),
    }
    return render(request, "evaluation/runs.html", shown)


@page
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    return render(request, "evaluation/run.html", _frame(request, run_id))


@page
def status(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part that changes, polled while the run is active; the last answer has no trigger any more."""
    shown = _frame(request, run_id)
    return fragment(request, "evaluation/run_status.html", shown, shown["etag"])


@page
@require_POST
def cancel(request: HttpRequest, run_id: int) -> HttpResponseBase:
    run = access.run_to_cancel(actors.actor_of(request), run_id)
    actions.cancel_run(run=run)
    messages.success(request, _("The run is cancelled."))
    return redirect(f"/runs/{run_id}")


@page
@require_POST
def again(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """The same measurement once more, on the same revision."""
    actor = actors.actor_of(request)
    run = access.run_to_read(actor, run_id)
    current = benchmark_named(run.benchmark.slug, actor.user)
    return _request(request, run.repo, current, run.commit_oid)


@page
@require_POST
def withdraw(request: HttpRequest, run_id: int) -> HttpResponseBase:
    """Take the result back; everybody reads the reason."""
    actor = actors.actor_of(request)
    run = access.run_to_withdraw(actor, run_id)
    try:
        withdrawal.withdraw_run(run=run, reason=request.POST.get("reason", ""), actor=actors.writer(actor))
    except (BadInput, RunIsOver) as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("The result is withdrawn."))
    return redirect(f"/runs/{run_id}")


@page
def evaluate(request: HttpRequest, owner: str, name: str) -> HttpResponseBase:
    """Which benchmarks fit this model, and asking for one of them."""
    actor = actors.actor_of(request)
    repo = catalog_access.repo_to_read(actor, Repo.Kind.MODEL, owner, name)
    if request.method == "POST":
        catalog_access.acting_on(actor, repo)
        chosen = benchmark_named(request.POST.get("benchmark", ""), actor.user)
        return _request(request, repo, chosen, request.POST.get("revision", "").strip())
    found = current_benchmarks(actor.user)
    states = data_states(found, actor.user)
    for_task = [one for one in found if repo.facts.task in one.accepts]
    fitting = [one for one in for_task if states[one.pk].is_ready]
    shown = frame(
        request,
        repo,
        "scores",
        fitting=fitting,
        waiting=[(one, states[one.pk]) for one in for_task if not states[one.pk].is_ready],
        chosen=_named_or_first(fitting, request.GET.get("benchmark", "")),
        others=[one for one in found if repo.facts.task not in one.accepts],
    )
    return render(request, "evaluation/evaluate.html", shown)


@page
def scores(request: HttpRequest, owner: str, name: str) -> HttpResponse:
    """All that was measured here, then what others claim."""
    repo = catalog_access.repo_to_read(actors.actor_of(request), Repo.Kind.MODEL, owner, name)
    user = actors.actor_of(request).user
    shown = frame(
        request,
        repo,
        "scores",
        groups=scores_of(repo, user),
        costs=by_hardware(costs_of(repo, user)),
        claims=judged_claims(repo, repo.facts.claims, user),
        recent=find_runs(user=user, wanted=RunFilter(repo=repo), limit=10).items,
    )
    return render(request, "evaluation/scores.html", shown)


def _named_or_first(fitting: list[Benchmark], slug: str) -> Benchmark | None:
    return next((one for one in fitting if one.slug == slug), fitting[0] if fitting else None)


def _request(request: HttpRequest, repo: Repo, benchmark: Benchmark, revision: str) -> HttpResponseBase:
    user = catalog_access.acting_on(actors.actor_of(request), repo)
    catalog_access.check_files(actors.actor_of(request), repo)
    try:
        run, created = actions.request_run(repo=repo, benchmark=benchmark, revision=revision, actor=user)
    except (NotEvaluable, TooManyRuns, BenchmarkNotFound) as error:
        messages.error(request, error.message)
        return redirect(f"{repo.web_path}/evaluate")
    if not created:
        messages.info(request, _("This exact measurement exists already; here it is."))
    return redirect(f"/runs/{run.pk}")


def _frame(request: HttpRequest, run_id: int) -> dict[str, Any]:
    actor = actors.actor_of(request)
    run = access.run_to_read(actor, run_id)
    found, waits_for = scores_of_run(run), placement.waits_for(run)
    return {
        "section": "runs",
        "run": run,
        "repo": run.repo,
        "steps": _steps(run),
        "primary": next((score for score in found if score.is_primary and not score.slice), None),
        "metrics": [score for score in found if not score.slice],
        "slices": parts_of(found),
        "diagnostics": diagnostics_of(run) if run.state == Run.State.SUCCEEDED else None,
        "sees_items": item_rights.sees_items(actor, run.benchmark)
        if run.benchmark.definition.get("interpret")
        else False,
        "log": run.log,
        "waits_for": waits_for,
        "tried": list(run.attempts.select_related("node")) if run.attempt else [],
        "attempts": attempts_of(run.repo, run.benchmark),
        "superseded": superseded_scores_of(run),
        "cost": cost_of_run(run),
        "provenance": provenance_table(run.record) if run.state == Run.State.SUCCEEDED else [],
        "is_stale": run.state == Run.State.SUCCEEDED and bool(stale_of_repo(run.repo, [run])),
        "withdraws": run.state == Run.State.SUCCEEDED
        and run.withdrawn_at is None
        and actor.user is not None
        and catalog_access.can_write_to(actor.user, run.repo),
        "cancels": run.is_active and actor.user is not None and access.may_cancel(actor.user, run),
        "seconds": (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None,
        "hardware": run.provenance.get("hardware") or {},
        "sandbox": run.provenance.get("sandbox") or (run.node.sandbox if run.node else ""),
        "node_class": classes.shown(run.queue),
        "etag": etag_of(
            run.state, run.is_stalled, run.progress, run.log, run.reason, run.attempt, len(found), waits_for
        ),
    }


def _steps(run: Run) -> list[Step]:
    reached = _stage_reached(run)
    steps = []
    for at, (_state, words) in enumerate(_STEPS):
        if at < reached or run.state == Run.State.SUCCEEDED:
            steps.append(Step(str(words), "done"))
        elif at > reached:
            steps.append(Step(str(words), "ahead"))
        else:
            steps.append(Step(str(words), "now" if run.is_active else "failed"))
    return steps


def _stage_reached(run: Run) -> int:
    """Place in `_STEPS` of the stage the run is in, or ended in."""
    order = [state for state, _words in _STEPS]
    if run.state in order:
        return order.index(run.state)
    if run.measurements:
        return order.index(Run.State.SCORING)
    if run.started_at:
        return order.index(Run.State.RUNNING)
    return order.index(Run.State.CLAIMED if run.claimed_at else Run.State.QUEUED)


def _next_url(request: HttpRequest, cursor: str | None) -> str:
    if cursor is None:
        return ""
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"?{query.urlencode()}"
