"""Runs, scores and keys for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access as catalog_access
from catalog import actors, links
from catalog.errors import NotFound
from catalog.models import Repo
from catalog.rest_api.v1.base import CURSOR, REPO_PATH, actor_of, django_request, next_url
from evaluation import access, signing
from evaluation.actions import runs, withdrawal
from evaluation.models import Run
from evaluation.queries import exports
from evaluation.queries import scores as score_queries
from evaluation.queries.benchmarks import benchmark_named
from evaluation.queries.runs import RunFilter, find_runs
from evaluation.queries.verdicts import judged_claims
from evaluation.rest_api.v1 import shapes
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.parameters import page_of, text_of


class ModelRunsView(EvaluationView):
    """The runs of one model."""

    @extend_schema(
        operation_id="model_runs_create",
        parameters=REPO_PATH,
        request=shapes.RunIn,
        responses={
            201: OpenApiResponse(shapes.RunOut, description="queued"),
            200: OpenApiResponse(shapes.RunOut, description="the same measurement is under way or done already"),
        },
    )
    def post(self, request: Request, owner: str, name: str) -> Response:
        """Ask for an evaluation; anyone signed in who can read the model may."""
        actor = actor_of(request)
        repo = catalog_access.repo_to_download(actor, Repo.Kind.MODEL, owner, name)
        user = catalog_access.acting_on(actor, repo)
        asked = shapes.RunIn(data=request.data)
        asked.is_valid(raise_exception=True)
        benchmark = benchmark_named(asked.validated_data["benchmark"], user)
        run, created = runs.request_run(
            repo=repo, benchmark=benchmark, revision=asked.validated_data["revision"], actor=user
        )
        return Response(shapes.RunOut(run).data, status=201 if created else 200)

    @extend_schema(operation_id="model_runs_list", parameters=[*REPO_PATH, CURSOR], responses=page_of(shapes.RunOut))
    def get(self, request: Request, owner: str, name: str) -> Response:
        """What was measured of this model, newest first."""
        actor = actor_of(request)
        repo = catalog_access.repo_to_read(actor, Repo.Kind.MODEL, owner, name)
        return _run_page(request, actor, RunFilter(repo=repo))


class RunListView(EvaluationView):
    @extend_schema(
        operation_id="runs_list",
        parameters=[
            OpenApiParameter("model", str, description="namespace/name"),
            OpenApiParameter("benchmark", str),
            OpenApiParameter("state", str, enum=Run.State.values),
            CURSOR,
        ],
        responses=page_of(shapes.RunOut),
    )
    def get(self, request: Request) -> Response:
        """Runs you may see, newest first."""
        actor = actor_of(request)
        owner, _, name = text_of(request, "model").partition("/")
        slug = text_of(request, "benchmark")
        wanted = RunFilter(
            repo=catalog_access.repo_to_read(actor, Repo.Kind.MODEL, owner, name) if owner else None,
            benchmark=benchmark_named(slug, actor.user) if slug else None,
            state=text_of(request, "state"),
        )
        return _run_page(request, actor, wanted)


class RunCancelView(EvaluationView):
    @extend_schema(operation_id="runs_cancel", request=None, responses=shapes.RunOut)
    def post(self, request: Request, run_id: int) -> Response:
        """Stop a run: who asked for it, who may write to the model, administrators."""
        run = access.run_to_cancel(actor_of(request), run_id)
        runs.cancel_run(run=run)
        run.refresh_from_db()
        return Response(shapes.RunOut(run).data)


class RunRecordView(EvaluationView):
    @extend_schema(operation_id="runs_record", responses=shapes.RecordOut)
    def get(self, request: Request, run_id: int) -> Response:
        """The signed record behind the scores of a run."""
        run = access.run_to_read(actor_of(request), run_id)
        if run.record is None:
            raise NotFound(
                _("run %(run_id)s has no record yet: it is %(state)s") % {"run_id": run_id, "state": run.state}
            )
        return Response(shapes.RecordOut(run.record).data)


class RunRecordListView(EvaluationView):
    @extend_schema(operation_id="runs_records", responses=page_of(shapes.RecordOut))
    def get(self, request: Request, run_id: int) -> Response:
        """All records of a run, newest first: a re-scoring adds one and leaves the others as they were signed."""
        run = access.run_to_read(actor_of(request), run_id)
        found = run.records.order_by("-pk")
        return Response({"results": shapes.RecordOut(found, many=True).data, "next": None})


class RunWithdrawView(EvaluationView):
    @extend_schema(operation_id="runs_withdraw", request=shapes.WithdrawIn, responses=shapes.RunOut)
    def post(self, request: Request, run_id: int) -> Response:
        """Take a result back, with a reason everybody reads; it stays visible and no older one takes its place."""
        actor = actor_of(request)
        run = access.run_to_withdraw(actor, run_id)
        asked = shapes.WithdrawIn(data=request.data)
        asked.is_valid(raise_exception=True)
        withdrawal.withdraw_run(run=run, reason=asked.validated_data["reason"], actor=actors.writer(actor))
        run.refresh_from_db()
        return Response(shapes.RunOut(run).data)


_FORMS: dict[str, Callable[[Repo, str], Any]] = {
    "eval-results": exports.eval_results_of,
    "model-index": lambda repo, site: {"model-index": exports.model_index_of(repo, site)},
}


class ModelScoresView(EvaluationView):
    @extend_schema(operation_id="model_scores", parameters=REPO_PATH, responses=shapes.ModelScoresOut)
    def get(self, request: Request, owner: str, name: str) -> Response:
        """What was measured here, apart from what the model card claims."""
        actor = actor_of(request)
        repo = catalog_access.repo_to_read(actor, Repo.Kind.MODEL, owner, name)
        facts = getattr(repo, "facts", None)
        claims = judged_claims(repo, facts.claims if facts is not None else [], actor.user)
        body = {"results": score_queries.scores_of(repo, actor.user), "claims": claims}
        return Response(shapes.ModelScoresOut(body).data)


class ModelExportView(EvaluationView):
    """Our scores as a file to commit: other hubs and their clients read it there."""

    @extend_schema(
        operation_id="model_results_export",
        parameters=[
            *REPO_PATH,
            OpenApiParameter("form", str, OpenApiParameter.PATH, enum=sorted(_FORMS), description="which of the two"),
        ],
        responses={(200, "application/yaml"): OpenApiTypes.ANY},
    )
    def get(self, request: Request, owner: str, name: str, form: str) -> HttpResponse:
        """`eval-results` for `.eval_results/`, `model-index` for the front matter of the card."""
        repo = catalog_access.repo_to_read(actor_of(request), Repo.Kind.MODEL, owner, name)
        write = _FORMS.get(form)
        if write is None:
            raise NotFound
        site = links.origin(django_request(request))
        text = yaml.safe_dump(write(repo, site), allow_unicode=True, sort_keys=False)
        response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{form}.yaml"'
        return response


class KeysView(EvaluationView):
    @extend_schema(operation_id="keys_list", responses=shapes.KeysOut)
    def get(self, request: Request) -> Response:
        """The public keys that records are signed with."""
        return Response({"keys": signing.public_keys()})


@extend_schema(exclude=True)
class WellKnownKeysView(KeysView):
    """The same at the address that outlives versions of this API."""


def _run_page(request: Request, actor: actors.Actor, wanted: RunFilter) -> Response:
    page = find_runs(user=actor.user, wanted=wanted, cursor=text_of(request, "cursor"), attempts=True)
    return Response({"results": shapes.RunOut(page.items, many=True).data, "next": next_url(request, page.next_cursor)})
