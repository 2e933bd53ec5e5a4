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
from evaluation.queries.diagnostics import (
    Attributions,
    Classification,
    ClassLine,
    Division,
    Figure,
    Group,
    Perturbed,
    Small,
    diagnostics_of,
)
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


class ClassLineOut(serializers.Serializer[ClassLine]):
    name = serializers.CharField()
    n = serializers.IntegerField(help_text=_("items of the class"))
    predicted = serializers.IntegerField(help_text=_("items that were given the class"))
    right = serializers.IntegerField()
    precision = serializers.FloatField()
    recall = serializers.FloatField()
    f1 = serializers.FloatField()


class ConfusedOut(serializers.Serializer[Any]):
    gold = serializers.CharField()
    predicted = serializers.CharField()
    n = serializers.IntegerField()


class BinOut(serializers.Serializer[Any]):
    """Items whose confidence lies above `low` and not above `high`."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    n = serializers.IntegerField()
    confidence = serializers.FloatField(help_text=_("mean"))
    accuracy = serializers.FloatField()


class ClassificationOut(serializers.Serializer[Classification]):
    classes = ClassLineOut(many=True, help_text=_("by number, at most a thousand"))
    matrix = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        help_text=_("items by class, then by what was said; empty beyond 40 classes"),
    )
    confused = ConfusedOut(many=True, help_text=_("the 30 confusions that occur most"))
    ece = serializers.FloatField(allow_null=True, help_text=_("expected calibration error over 15 bins, 0–1"))
    bins = BinOut(many=True)


class AttributionsOut(serializers.Serializer[Attributions]):
    """What a few answers rest on, in sums; item by item under `/runs/{id}/attributions`."""

    items = serializers.IntegerField(help_text=_("asked for; the same for every model"))
    explained = serializers.IntegerField()
    occluded = serializers.IntegerField(help_text=_("of them, by covering part after part"))
    untrustworthy = serializers.IntegerField(help_text=_("whose sum is further off than the tolerance"))
    tolerance = serializers.FloatField()
    error = serializers.FloatField(allow_null=True, help_text=_("median error of the sum, as a share of the change"))
    comprehensiveness = serializers.FloatField(allow_null=True, help_text=_("mean"))
    sufficiency = serializers.FloatField(allow_null=True, help_text=_("mean"))
    reason = serializers.CharField(help_text=_("why there is nothing"))


class DiagnosticsOut(serializers.Serializer[Any]):
    """No scores: nothing is ranked by any of it."""

    fairness = DivisionOut(many=True)
    robustness = PerturbedOut(many=True)
    classification = ClassificationOut(allow_null=True)
    attributions = AttributionsOut(allow_null=True)


class RunDiagnosticsView(EvaluationView):
    @extend_schema(operation_id="runs_diagnostics", responses=DiagnosticsOut)
    def get(self, request: Request, run_id: int) -> Response:
        """What explains the scores of a run: how groups of items fare, what perturbations cost, what is confused."""
        run = access.run_to_read(actor_of(request), run_id)
        return Response(DiagnosticsOut(diagnostics_of(run)).data)
