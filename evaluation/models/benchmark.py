"""What is measured: versioned benchmark definitions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    def current(self) -> BenchmarkQuerySet:
        """The version new runs use, one per slug."""
        return self.filter(is_current=True)


class Benchmark(models.Model):
    """One version of one definition. The hashed part never changes; a change is a new version."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        STABLE = "stable", _("stable")
        DEPRECATED = "deprecated", _("deprecated")

    slug = models.SlugField(max_length=80)
    version = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.STABLE)
    task = models.CharField(max_length=60)
    accepts = models.JSONField(default=list)  # pipeline tags it can evaluate
    languages = models.JSONField(default=list)  # what it demands of a model's languages, if anything
    primary_metric = models.CharField(max_length=60)
    higher_is_better = models.BooleanField(default=True)
    definition = models.JSONField()  # the parsed YAML
    definition_hash = models.CharField(max_length=64)
    queue = models.CharField(max_length=40, default="eval.cpu")
    created_at = models.DateTimeField(default=timezone.now)

    objects = BenchmarkQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["slug", "version"], name="benchmark_version_unique"),
            models.UniqueConstraint(fields=["slug"], condition=Q(is_current=True), name="benchmark_one_current"),
        ]

    def __str__(self) -> str:
        return f"{self.slug}@{self.version}"
