"""Small pinned models that every node measures again and again: a node that disagrees with itself has changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Repo
from evaluation.models.benchmark import Benchmark
from evaluation.models.node import Node
from evaluation.models.run import Run


class Sentinel(models.Model):
    """One model revision on one benchmark version; it stands for its task family."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="+")
    commit_oid = models.CharField(max_length=40)
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "commit_oid", "benchmark"], name="sentinel_unique")
        ]

    def __str__(self) -> str:
        return f"{self.repo} at {self.commit_oid[:7]} on {self.benchmark}"


class Baseline(models.Model):
    """What a sentinel scored first on a class of hardware, under a version of the runner."""

    sentinel = models.ForeignKey(Sentinel, on_delete=models.CASCADE, related_name="baselines")
    hardware_class = models.CharField(max_length=200)
    runner_version = models.CharField(max_length=20)
    value = models.FloatField()
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="+")
    alters_scores = models.BooleanField(default=False)  # farther from the version before than chance explains
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["sentinel", "hardware_class", "runner_version"], name="baseline_unique_per_class"
            )
        ]

    def __str__(self) -> str:
        return f"{self.value:.4f} on {self.hardware_class}"


class SentinelCheck(models.Model):
    """One measurement of a sentinel by a node, beside the baseline of its class."""

    class Verdict(models.TextChoices):
        BASELINE = "baseline", _("first of its kind")
        STEADY = "steady", _("steady")
        DRIFTED = "drifted", _("drifted")

    sentinel = models.ForeignKey(Sentinel, on_delete=models.CASCADE, related_name="checks")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="checks")
    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="sentinel_check")
    hardware_class = models.CharField(max_length=200)
    value = models.FloatField()
    expected = models.FloatField()
    tolerance = models.FloatField()
    verdict = models.CharField(max_length=10, choices=Verdict)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.node}: {self.verdict}"

    @property
    def drift(self) -> float:
        return self.value - self.expected
