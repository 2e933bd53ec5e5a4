"""What this face says of nodes and of their work."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from evaluation.models import Attempt
from evaluation.queries import classes


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
