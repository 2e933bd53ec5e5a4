"""What is kept of each scored run so that others can be compared with it, item by item."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from evaluation.metrics.columns import Column, Kind, unpacked
from evaluation.models.run import Run


class ItemColumn(models.Model):
    """One metric of one run on every item, packed (`metrics.columns`). A newer scoring replaces it."""

    class Kind(models.TextChoices):
        ITEMS = "items"
        DRAWS = "draws"
        CLUSTERS = "clusters"  # which cluster each item belongs to; has no metric

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="columns")
    metric = models.CharField(max_length=60, blank=True)
    kind = models.CharField(max_length=8, choices=Kind)
    length = models.PositiveIntegerField()
    packed = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "metric"], name="column_unique_in_run")
        ]

    def __str__(self) -> str:
        return f"{self.metric or self.kind} of run {self.run_id}"

    @property
    def column(self) -> Column:
        kinds: dict[str, Kind] = {"items": "items", "draws": "draws", "clusters": "clusters"}
        return unpacked(self.metric, kinds[self.kind], bytes(self.packed))
