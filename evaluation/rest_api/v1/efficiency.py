"""What runs cost, for programs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access as catalog_access
from catalog.models import Repo
from catalog.rest_api.v1.base import REPO_PATH, actor_of
from evaluation import access
from evaluation.metrics.costs import COSTS
from evaluation.models import Figure, Run
from evaluation.queries.efficiency import Cost, FitError, cost_of_run, costs_of, fit_error
from evaluation.rest_api.v1 import shapes
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.parameters import text_of


class FigureOut(serializers.ModelSerializer[Figure]):
    """One figure; `value` is null where it could not be had, and `reason` says why."""

    better = serializers.SerializerMethodField(help_text=_("lower, higher, or neither"))

    class Meta:
        model = Figure
        fields = ("name", "value", "unit", "better", "n", "detail", "reason")

    def get_better(self, figure: Figure) -> str:
        return COSTS[figure.name].better if figure.name in COSTS else ""


class CostOut(serializers.Serializer[Cost]):
    """What one run cost. Compare figures of one hardware class, benchmark version and protocol alone."""

    run = serializers.IntegerField(source="run.pk")
    benchmark = serializers.CharField(source="benchmark.slug")
    benchmark_version = serializers.IntegerField(source="benchmark.version")
    commit = serializers.CharField(source="run.commit_oid")
    hardware_class = serializers.CharField()
    node = serializers.CharField()
    protocol = serializers.IntegerField(help_text=_("version of the way of measuring; 0: it did not come so far"))
    figures = FigureOut(many=True)


class RunDetailOut(shapes.RunOut):
    """One evaluation, and what it cost where its benchmark asks for that."""

    efficiency = serializers.SerializerMethodField()

    class Meta(shapes.RunOut.Meta):
        fields = (*shapes.RunOut.Meta.fields, "efficiency")

    @extend_schema_field(CostOut(allow_null=True))
    def get_efficiency(self, run: Run) -> dict[str, Any] | None:
        cost = cost_of_run(run)
        return dict(CostOut(cost).data) if cost is not None else None


class FitErrorOut(serializers.Serializer[FitError]):
    """How far the estimate of memory from headers alone was from measured peaks, over all public runs here."""

    mean = serializers.FloatField(help_text=_("of |estimate / peak - 1|"))
    runs = serializers.IntegerField()


class ModelEfficiencyOut(serializers.Serializer[Any]):
    results = CostOut(many=True, help_text=_("newest of each hardware class and benchmark; ordered by class"))
    fit_error = FitErrorOut(allow_null=True)


class RunView(EvaluationView):
    @extend_schema(operation_id="runs_retrieve", responses=RunDetailOut)
    def get(self, request: Request, run_id: int) -> Response:
        """State, progress, scores and cost of one run."""
        return Response(RunDetailOut(access.run_to_read(actor_of(request), run_id)).data)


class ModelEfficiencyView(EvaluationView):
    @extend_schema(
        operation_id="model_efficiency",
        parameters=[*REPO_PATH, OpenApiParameter("hardware", str, description="one hardware class, as stated")],
        responses=ModelEfficiencyOut,
    )
    def get(self, request: Request, owner: str, name: str) -> Response:
        """What runs of this model cost, by hardware class."""
        actor = actor_of(request)
        repo = catalog_access.repo_to_read(actor, Repo.Kind.MODEL, owner, name)
        found = costs_of(repo, actor.user, hardware_class=text_of(request, "hardware"))
        return Response(ModelEfficiencyOut({"results": found, "fit_error": fit_error()}).data)
