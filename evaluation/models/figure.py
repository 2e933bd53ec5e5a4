"""What a run cost on the machine that did it: rows beside its scores, of the same signed record."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models import Repo, User
from evaluation.models.benchmark import Benchmark
from evaluation.models.run import Run
from evaluation.models.score import Record


class FigureQuerySet(models.QuerySet["Figure"]):
    def visible_to(self, user: User | None) -> FigureQuerySet:
        """As private as their model and their benchmark."""
        return self.filter(
            repo__in=Repo.objects.visible_to(user), benchmark__in=Benchmark.objects.visible_to(user).values("pk")
        )

    def valid(self) -> FigureQuerySet:
        """Of runs that are neither withdrawn nor broken."""
        return self.filter(run__withdrawn_at=None, run__integrity_problem="")


class Figure(models.Model):
    """One figure of one run. Figures of different hardware classes are never compared."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="figures")
    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="figures")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="figures")
    record = models.ForeignKey(Record, null=True, on_delete=models.SET_NULL, related_name="figures")
    commit_oid = models.CharField(max_length=40)
    name = models.CharField(max_length=40)  # one of `metrics.costs`
    value = models.FloatField(null=True)  # None: it could not be had
    unit = models.CharField(max_length=10, blank=True)
    n = models.PositiveIntegerField(default=0)  # observations it rests on
    detail = models.CharField(max_length=300, blank=True)  # the shape of what was measured
    reason = models.CharField(max_length=300, blank=True)  # why there is no value
    hardware_class = models.CharField(max_length=200)
    node = models.CharField(max_length=100, blank=True)  # its name then
    protocol = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = FigureQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "name"], name="figure_unique_in_run")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["repo", "-run"], name="figure_by_repo"),
            models.Index(fields=["name", "hardware_class"], name="figure_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of run {self.run_id}"
