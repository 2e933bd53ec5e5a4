"""What single answers of a run rest on, for programs that may see the items."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.rest_api.v1.base import actor_of
from evaluation import access
from evaluation.metrics.attributions import TOLERANCE, Cells, Part
from evaluation.queries import item_rights
from evaluation.queries.attributions import Answer, attributions_of
from evaluation.rest_api.v1.base import EvaluationView


class PartOut(serializers.Serializer[Part]):
    """A piece of a text, in characters."""

    text = serializers.CharField(trim_whitespace=False)
    side = serializers.IntegerField(help_text=_("0: the text, 1: the second text of a pair"))
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    value = serializers.FloatField(help_text=_("what it adds to the output of the label"))


class CellsOut(serializers.Serializer[Cells]):
    """An image as the model saw it, cut into rows and columns."""

    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    values = serializers.ListField(child=serializers.FloatField(), help_text=_("row by row"))


class AnswerOut(serializers.Serializer[Answer]):
    """One answer taken apart. Where it could not be, `reason` says why and the numbers are 0."""

    number = serializers.IntegerField()
    id = serializers.CharField()
    truth = serializers.CharField()
    reason = serializers.CharField(source="explained.reason")
    answer = serializers.CharField(source="explained.label", help_text=_("the label that the model gave"))
    probability = serializers.FloatField(source="explained.probability")
    method = serializers.CharField(source="explained.method", help_text=_("integrated-gradients or occlusion"))
    note = serializers.CharField(source="explained.note", help_text=_("why it is not the method that was asked for"))
    baseline = serializers.CharField(source="explained.baseline", help_text=_("what stood for nothing"))
    steps = serializers.IntegerField(source="explained.steps")
    output = serializers.FloatField(source="explained.output", help_text=_("the logit of the label"))
    output_of_baseline = serializers.FloatField(source="explained.output_of_baseline")
    error = serializers.FloatField(
        source="explained.error", allow_null=True, help_text=_("of the sum, as a share of the change; null: no sum")
    )
    untrustworthy = serializers.BooleanField(source="explained.is_untrustworthy")
    comprehensiveness = serializers.FloatField(
        source="explained.comprehensiveness", help_text=_("lost without the strongest fifth of the parts")
    )
    sufficiency = serializers.FloatField(
        source="explained.sufficiency", help_text=_("lost with the strongest fifth alone")
    )
    parts = PartOut(source="explained.parts", many=True)
    cells = CellsOut(source="explained.cells", allow_null=True)


class RunAttributionsOut(serializers.Serializer[Any]):
    """A diagnostic, not a score: nothing is ranked by any of it."""

    tolerance = serializers.FloatField()
    results = AnswerOut(many=True)


class RunAttributionsView(EvaluationView):
    @extend_schema(operation_id="runs_attributions", responses=RunAttributionsOut)
    def get(self, request: Request, run_id: int) -> Response:
        """What a few answers rest on, part by part; for readers of the benchmark's data. A diagnostic, not a score."""
        actor = actor_of(request)
        run = access.run_to_read(actor, run_id)
        item_rights.require_items(actor, run.benchmark)
        return Response(RunAttributionsOut({"tolerance": TOLERANCE, "results": attributions_of(run)}).data)
