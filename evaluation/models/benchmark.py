"""What is measured: versioned benchmark definitions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Membership, Namespace, User

UNKNOWN_REVISION = "unknown"  # of a dataset: in no definition that runs


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    def current(self) -> BenchmarkQuerySet:
        """The version new runs use, one per slug."""
        return self.filter(is_current=True)

    def of_everybody(self) -> BenchmarkQuerySet:
        """Those of the site, which no team owns."""
        return self.filter(namespace=None)

    def visible_to(self, user: User | None) -> BenchmarkQuerySet:
        """Those of the site, and those of this person's teams: whatever rests on a benchmark is as private as it is."""
        if user is None:
            return self.of_everybody()
        if user.administers and user.reach is None:
            return self
        teams = Membership.objects.filter(user=user).values("organisation__namespace_id")
        theirs = Q() if user.administers else Q(namespace_id=user.namespace_id) | Q(namespace_id__in=teams)
        if user.reach is not None:
            theirs &= Q(namespace_id__in=list(user.reach.namespaces))
        return self.filter(Q(namespace=None) | theirs)


class Benchmark(models.Model):
    """One version of one definition. The hashed part never changes; a change is a new version."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        STABLE = "stable", _("stable")
        DEPRECATED = "deprecated", _("deprecated")

    # of a team: namespace and id with `--` between, which neither holds
    slug = models.SlugField(max_length=280)
    namespace = models.ForeignKey(  # None: a benchmark of the site, which everybody sees
        Namespace, null=True, blank=True, on_delete=models.PROTECT, related_name="benchmarks"
    )
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
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
    shipped_hash = models.CharField(
        max_length=64, blank=True, default="", db_default=""
    )  # before an operator pinned its data (ADR 0022)
    pinned_at = models.DateTimeField(null=True)
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

    @property
    def is_private(self) -> bool:
        return self.namespace_id is not None

    @property
    def is_unpinned(self) -> bool:
        """Whether nobody has said yet which revision of its data it means."""
        return bool(self.definition.get("dataset", {}).get("revision") == UNKNOWN_REVISION)
