"""Boards for programs, and for spreadsheets."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.rest_api.v1.base import actor_of
from evaluation.models import Benchmark
from evaluation.queries.benchmarks import benchmark_named
from evaluation.queries.claims import ClaimRow, claims_for
from evaluation.queries.datasets import data_state
from evaluation.queries.leaderboard import GIGABYTE, BoardFilter, BoardRow, leaderboard
from evaluation.rest_api.v1 import shapes
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.files import file_of
from evaluation.rest_api.v1.parameters import number_of, text_of

_BOARD_PARAMETERS = [
    OpenApiParameter("license", str),
    OpenApiParameter("max_parameters", int),
    OpenApiParameter("max_memory_gb", int, description="of what the run took at most"),
    OpenApiParameter("claimed", bool, description="also what model cards claim, without a rank"),
]


class LeaderboardView(EvaluationView):
    @extend_schema(operation_id="leaderboards_retrieve", parameters=_BOARD_PARAMETERS, responses=shapes.BoardOut)
    def get(self, request: Request, slug: str) -> Response:
        """The models measured on a benchmark, best first."""
        benchmark, rows, claims = _board(request, slug)
        body = {"benchmark": benchmark, "results": rows, "claims": claims, "next": None}
        context = {"states": {benchmark.pk: data_state(benchmark, actor_of(request).user)}}
        return Response(shapes.BoardOut(body, context=context).data)


class LeaderboardCsvView(EvaluationView):
    @extend_schema(
        operation_id="leaderboards_csv",
        parameters=_BOARD_PARAMETERS,
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, slug: str) -> HttpResponse:
        """The same rows for spreadsheets; claims follow the measured rows and have no rank and no run."""
        _benchmark, rows, claims = _board(request, slug)
        measured = [{"tier": "verified", **shapes.BoardRowOut(row).data} for row in rows]
        claimed = [{"tier": "claimed", **shapes.ClaimRowOut(row).data} for row in claims]
        return file_of(measured + claimed, [*shapes.BoardRowOut().get_fields(), "tier"], "csv", slug)


def _board(request: Request, slug: str) -> tuple[Benchmark, list[BoardRow], list[ClaimRow]]:
    actor = actor_of(request)
    benchmark = benchmark_named(slug, actor.user)
    memory = number_of(request, "max_memory_gb")
    narrowed = BoardFilter(
        licence=text_of(request, "license"),
        parameters_max=number_of(request, "max_parameters"),
        memory_max=None if memory is None else memory * GIGABYTE,
    )
    is_with_claims = text_of(request, "claimed").lower() in {"1", "true"}
    claims = claims_for(benchmark, user=actor.user, narrowed=narrowed) if is_with_claims else []
    return benchmark, leaderboard(benchmark, user=actor.user, narrowed=narrowed), claims
