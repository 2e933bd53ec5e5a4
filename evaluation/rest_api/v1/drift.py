"""Sentinels and drift, for operators."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import actors
from catalog.rest_api.v1.base import actor_of
from evaluation import access
from evaluation.actions import sentinels
from evaluation.models import Sentinel, SentinelCheck
from evaluation.queries import drift
from evaluation.queries.drift import NodeDrift
from evaluation.rest_api.v1.base import EvaluationView


class SentinelOut(serializers.ModelSerializer[Sentinel]):
    """A pinned model that every node measures again and again."""

    model = serializers.CharField(source="repo.full_name")
    commit = serializers.CharField(source="commit_oid")
    benchmark = serializers.CharField(source="benchmark.slug")
    task = serializers.CharField(source="benchmark.task")

    class Meta:
        model = Sentinel
        fields: tuple[str, ...] = ("id", "model", "commit", "benchmark", "task")


class CheckOut(serializers.ModelSerializer[SentinelCheck]):
    """One measurement of a sentinel, beside what was expected."""

    sentinel = SentinelOut()
    run = serializers.IntegerField(source="run_id")
    drift = serializers.FloatField(help_text=_("value minus expected"))

    class Meta:
        model = SentinelCheck
        fields = (
            "sentinel",
            "run",
            "hardware_class",
            "value",
            "expected",
            "tolerance",
            "drift",
            "verdict",
            "created_at",
        )


class NodeDriftOut(serializers.Serializer[NodeDrift]):
    node = serializers.CharField(source="node.name")
    is_paused = serializers.BooleanField(help_text=_("nothing it measures is published"))
    paused_at = serializers.DateTimeField(source="node.paused_at", allow_null=True)
    paused_reason = serializers.CharField(source="node.paused_reason")
    checks = CheckOut(many=True, help_text=_("newest first"))


class DriftOut(serializers.Serializer[Any]):
    sentinels = SentinelOut(many=True)
    nodes = NodeDriftOut(many=True)


class ResumeIn(serializers.Serializer[Any]):
    accept_results = serializers.BooleanField(
        default=False, help_text=_("the machine is right and the baseline of its kind is not: take the next results")
    )


class DriftView(EvaluationView):
    @extend_schema(operation_id="drift_retrieve", responses=DriftOut)
    def get(self, request: Request) -> Response:
        """What the sentinels say of each node; for administrators."""
        access.operator(actor_of(request))
        return Response(DriftOut({"sentinels": drift.sentinels(), "nodes": drift.drift_of_nodes()}).data)


class NodeResumeView(EvaluationView):
    @extend_schema(
        operation_id="nodes_resume",
        parameters=[OpenApiParameter("name", str, OpenApiParameter.PATH, description="Name of the node.")],
        request=ResumeIn,
        responses=DriftOut,
    )
    def post(self, request: Request, name: str) -> Response:
        """Publish again what a paused node measures; for administrators."""
        actor = actor_of(request)
        access.operator(actor)
        user = actors.writer(actor)
        asked = ResumeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        sentinels.resume(node=drift.node_named(name), actor=user, accept=asked.validated_data["accept_results"])
        return Response(DriftOut({"sentinels": drift.sentinels(), "nodes": drift.drift_of_nodes()}).data)
