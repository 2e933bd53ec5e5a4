"""Results: numbers with intervals, and the signed record they rest on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models import Repo, User
from evaluation.models.benchmark import Benchmark
from evaluation.models.run import Run


class Record(models.Model):
    """What a run claims, as canonical JSON with an Ed25519 signature. Append-only: a re-scoring adds another.

    It says itself which model, commit and benchmark it is about, and outlives the rows of a purged repo.
    """

    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="records")
    body = models.TextField()  # canonical JSON: exactly these bytes are signed
    signature = models.CharField(max_length=128)  # hex
    key_id = models.CharField(max_length=64)  # first 16 hex of sha256(public key)
    created_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True, db_index=True)  # when signature and outputs were last looked at

    def __str__(self) -> str:
        return f"record of run {self.run_id}"


class ScoreQuerySet(models.QuerySet["Score"]):
    def visible_to(self, user: User | None) -> ScoreQuerySet:
        """Scores are as private as their model and their benchmark."""
        return self.filter(
            repo__in=Repo.objects.visible_to(user), benchmark__in=Benchmark.objects.visible_to(user).values("pk")
        )

    def leading(self) -> ScoreQuerySet:
        """Over all items, by the main metric, of the run that counts."""
        return self.filter(is_current=True, is_primary=True, slice="")

    def for_everybody(self) -> ScoreQuerySet:
        """Of benchmarks of the site: what may stand beside a name whoever reads it."""
        return self.filter(benchmark__namespace=None)


class Score(models.Model):
    """One metric of one run, overall (`slice` empty) or on one slice. Proportions are 0–1."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="scores")
    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="scores")
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="scores")
    commit_oid = models.CharField(max_length=40)
    metric = models.CharField(max_length=60)
    slice = models.CharField(max_length=100, blank=True)
    is_primary = models.BooleanField(default=False)
    value = models.FloatField()
    low = models.FloatField(null=True)  # 95 % interval
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField()  # items scored
    unit = models.CharField(max_length=20, blank=True)
    higher_is_better = models.BooleanField(default=True)
    method = models.CharField(max_length=40, blank=True)  # how the interval was made
    is_current = models.BooleanField(default=True)  # newest valid run of (repo, benchmark)
    # a newer version of the metric took its place
    is_superseded = models.BooleanField(default=False, db_default=False)
    record = models.ForeignKey(Record, null=True, on_delete=models.SET_NULL, related_name="scores")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["run", "metric", "slice"], condition=models.Q(is_superseded=False), name="score_unique_in_run"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["benchmark", "-value"],
                condition=models.Q(is_current=True, is_primary=True),
                name="score_leaderboard",
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.value:.4f}"
