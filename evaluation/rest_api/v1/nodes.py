"""Nodes and queues, for operators."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import actors
from catalog.rest_api.v1.base import actor_of
from evaluation import access
from evaluation.actions import nodes
from evaluation.queries import fleet
from evaluation.queries.drift import node_named
from evaluation.rest_api.v1.base import EvaluationView
from evaluation.rest_api.v1.node_shapes import FleetOut

NAME = OpenApiParameter("name", str, OpenApiParameter.PATH, description="Name of the node.")


class NodesView(EvaluationView):
    @extend_schema(operation_id="nodes_retrieve", responses=FleetOut)
    def get(self, request: Request) -> Response:
        """The nodes, the queues before them, and why attempts failed; for administrators."""
        access.operator(actor_of(request))
        return _fleet()


class NodeDrainView(EvaluationView):
    @extend_schema(operation_id="nodes_drain", parameters=[NAME], request=None, responses=FleetOut)
    def post(self, request: Request, name: str) -> Response:
        """Let a node finish what it has and claim nothing more; for administrators."""
        actor = actor_of(request)
        access.operator(actor)
        nodes.drain(node=node_named(name), actor=actors.writer(actor))
        return _fleet()

    @extend_schema(operation_id="nodes_undrain", parameters=[NAME], responses=FleetOut)
    def delete(self, request: Request, name: str) -> Response:
        """Let it claim again; for administrators."""
        actor = actor_of(request)
        access.operator(actor)
        nodes.undrain(node=node_named(name), actor=actors.writer(actor))
        return _fleet()


def _fleet() -> Response:
    found = {"nodes": fleet.nodes(), "queues": fleet.queues(), "failures": fleet.failures()}
    return Response(FleetOut(found).data)
