"""Repos whose content comes from another hub, and the jobs that fetch it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import User
from catalog.models.repo import Repo


class Mirror(models.Model):
    """Where a local repo comes from. Such a repo is read-only here (decision 20)."""

    repo = models.OneToOneField(Repo, on_delete=models.CASCADE, related_name="mirror")
    source = models.CharField(max_length=30)  # adapter in catalog/upstream: "huggingface"
    endpoint = models.URLField(max_length=300)
    upstream_name = models.CharField(max_length=200)  # "ns/name" over there
    revision = models.CharField(max_length=255, default="main")
    # What its owner wants; the repo stays private until upstream is seen to be public and not gated.
    wanted_visibility = models.CharField(max_length=7, choices=Repo.Visibility, default=Repo.Visibility.PUBLIC)
    token_sealed = models.BinaryField(null=True)  # encrypted upstream token, write-only
    licence_evidence = models.JSONField(default=list)
    upstream_oid = models.CharField(max_length=40, blank=True)  # last commit mirrored
    upstream_state = models.CharField(max_length=20, default="unknown")  # unknown, present, gone, changed
    checked_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.source}:{self.upstream_name}@{self.revision}"


class SyncRun(models.Model):
    """One attempt to bring a mirror up to date: a leased job, its row is the truth (security 13)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")  # waits for `not_before`: rate limit, upstream down
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    ACTIVE = (State.QUEUED, State.RUNNING, State.PAUSED)

    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="sync_runs")
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    fence = models.PositiveIntegerField(default=0)  # grows with every claim; writes compare it
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    plan = models.JSONField(default=list)  # [{path, size, state, done, …}] per file
    files_total = models.PositiveIntegerField(default=0)
    files_done = models.PositiveIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)  # fetched or reused
    bytes_fetched = models.BigIntegerField(default=0)  # over the network
    reason_code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    upstream_oid = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["mirror"],
                condition=Q(state__in=["queued", "running", "paused"]),
                name="one_active_sync_per_mirror",
            )
        ]

    def __str__(self) -> str:
        return f"sync {self.pk}: {self.state}"

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def progress(self) -> dict[str, int]:
        """How far it is, in files and bytes; `bytes_fetched` came over the network, the rest was here."""
        return {
            "files_done": self.files_done,
            "files_total": self.files_total,
            "bytes_done": self.bytes_done,
            "bytes_total": self.bytes_total,
            "bytes_fetched": self.bytes_fetched,
        }
