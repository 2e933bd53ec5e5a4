"""What explains the scores of a run, for programs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.rest_api.v1.base import actor_of
from evaluation import access
from evaluation.queries.diagnostics import Division, Figure, Group, Perturbed, Small, diagnostics_of
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.shapes import ScoreOut


class GroupOut(serializers.Serializer[Group]):
    name = serializers.CharField()
    score = ScoreOut(allow_null=True, help_text=_("by the main metric"))


class SmallOut(serializers.Serializer[Small]):
    name = serializers.CharField()
    n = serializers.IntegerField()


class GapOut(serializers.Serializer[Figure]):
    """What lies between the two groups that are farthest apart; the interval is that of the difference of these two."""

    figure = ScoreOut(source="score")
    high = serializers.CharField(help_text=_("the group with the higher value"))
    low = serializers.CharField()
    worst = serializers.CharField(allow_null=True, help_text=_("which of both fares worse, where that can be said"))
    of_class = serializers.CharField(help_text=_("of rates of errors: the class they are about"))


class DivisionOut(serializers.Serializer[Division]):
    slice = serializers.CharField(source="name")
    least = serializers.IntegerField(help_text=_("items that a group needs to be compared"))
    groups = GroupOut(many=True)
    too_few = SmallOut(many=True, help_text=_("groups that are not compared"))
    figures = GapOut(many=True)


class PerturbedOut(serializers.Serializer[Perturbed]):
    """The same items asked once more in a changed form, and judged by the same truth."""

    name = serializers.CharField()
    description = serializers.CharField()
    role = serializers.CharField(help_text=_("robustness or fairness"))
    seed = serializers.IntegerField()
    p = serializers.FloatField(help_text=_("how much is changed; the description says of what"))
    changed = serializers.IntegerField(allow_null=True, help_text=_("copies that differ from their items"))
    score = ScoreOut(allow_null=True, help_text=_("of the copies, by the main metric"))
    figures = ScoreOut(many=True, help_text=_("relative drops, and each item with the worse of both answers"))


class DiagnosticsOut(serializers.Serializer[Any]):
    """No scores: nothing is ranked by any of it."""

    fairness = DivisionOut(many=True)
    robustness = PerturbedOut(many=True)


class RunDiagnosticsView(EvaluationView):
    @extend_schema(operation_id="runs_diagnostics", responses=DiagnosticsOut)
    def get(self, request: Request, run_id: int) -> Response:
        """What explains the scores of a run: how groups of items fare, and what perturbations cost."""
        run = access.run_to_read(actor_of(request), run_id)
        return Response(DiagnosticsOut(diagnostics_of(run)).data)
