"""What this face says of nodes and of their work."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from evaluation.models import Attempt
from evaluation.queries import classes
from evaluation.queries.fleet import Failure, NodeState, QueueState


class AttemptOut(serializers.ModelSerializer[Attempt]):
    """One claim of a run, and what became of it."""

    node = serializers.CharField(source="node.name", allow_null=True, default=None)
    node_class = serializers.SerializerMethodField(help_text=_("of the run, then"))
    outcome = serializers.CharField(help_text=_("done, cancelled, or the reason code; empty while it is under way"))

    class Meta:
        model = Attempt
        fields = ("number", "node", "node_class", "began_at", "ended_at", "outcome", "reason")

    def get_node_class(self, attempt: Attempt) -> str:
        return classes.shown(attempt.queue)


class NodeOut(serializers.Serializer[NodeState]):
    """One machine that evaluates, as it stands now."""

    name = serializers.CharField(source="node.name")
    state = serializers.CharField(help_text=_("working, idle, draining, paused or away"))
    node_class = serializers.SerializerMethodField(help_text=_("by its memory: cpu, gpu.16g, …"))
    serves = serializers.SerializerMethodField(help_text=_("classes of runs it takes"))
    memory_gb = serializers.FloatField(allow_null=True, help_text=_("of its GPU, else its own; as it states"))
    sandbox = serializers.CharField(source="node.sandbox")
    is_embedded = serializers.BooleanField(source="node.is_embedded")
    last_seen_at = serializers.DateTimeField(source="node.last_seen_at", allow_null=True)
    draining_since = serializers.DateTimeField(source="node.draining_since", allow_null=True)
    paused_at = serializers.DateTimeField(source="node.paused_at", allow_null=True)
    running = serializers.ListField(child=serializers.IntegerField(), help_text=_("ids of the runs it has"))
    done = serializers.IntegerField(help_text=_("attempts handed in, last seven days"))
    failed = serializers.IntegerField(help_text=_("attempts that ended otherwise, last seven days"))
    utilisation = serializers.FloatField(help_text=_("share of the last 24 hours in which it had a run, 0–1"))

    def get_node_class(self, state: NodeState) -> str:
        return classes.shown(state.node_class)

    def get_serves(self, state: NodeState) -> list[str]:
        return [classes.shown(queue) for queue in state.node.queues]


class QueueOut(serializers.Serializer[QueueState]):
    """The runs of one class that wait for nodes or are with them."""

    node_class = serializers.SerializerMethodField()
    nodes = serializers.IntegerField(help_text=_("living ones that take runs of this class: not draining, not paused"))
    queued = serializers.IntegerField()
    under_way = serializers.IntegerField()
    oldest_at = serializers.DateTimeField(allow_null=True, help_text=_("when the oldest that waits was queued"))
    seconds = serializers.FloatField(
        allow_null=True, help_text=_("expected of all that wait, on one node; null: nothing was measured yet")
    )

    def get_node_class(self, state: QueueState) -> str:
        return classes.shown(state.queue)


class FailureOut(serializers.Serializer[Failure]):
    """Why attempts of the last seven days ended."""

    reason = serializers.CharField()
    count = serializers.IntegerField()
    newest_at = serializers.DateTimeField()
    run = serializers.IntegerField(source="run_id", help_text=_("the newest of these runs"))


class FleetOut(serializers.Serializer[Any]):
    nodes = NodeOut(many=True)
    queues = QueueOut(many=True)
    failures = FailureOut(many=True)
