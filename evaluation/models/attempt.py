"""What became of each claim of a run: the run's row knows only the last one."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db import models
from django.utils import timezone

from evaluation.models.node import Node
from evaluation.models.run import Run

DONE: Final = "done"  # the node handed in; scoring may find fault with it later
CANCELLED: Final = "cancelled"


class Attempt(models.Model):
    """One node at work on one run, from its claim until it handed in, gave up, or was given up."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    node = models.ForeignKey(Node, null=True, on_delete=models.SET_NULL, related_name="attempts")
    queue = models.CharField(max_length=40)  # of the run, then
    node_class = models.CharField(max_length=40)
    began_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)  # done, cancelled, or why not; "" while under way
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("number",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "number"], name="attempt_unique_in_run")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["ended_at"], name="attempt_by_end")]

    def __str__(self) -> str:
        return f"attempt {self.number} of run {self.run_id}"
