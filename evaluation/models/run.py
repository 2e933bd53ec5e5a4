"""Runs: one model revision measured on one benchmark version."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Blob, Namespace, Repo, User
from evaluation.models.benchmark import Benchmark
from evaluation.models.node import Node

if TYPE_CHECKING:
    from evaluation.models.score import Record

LEASE = timedelta(seconds=90)  # a node that is silent for so long has lost its run
STALLED_AFTER = timedelta(seconds=60)  # and is shown as stalled a little earlier


class RunQuerySet(models.QuerySet["Run"]):
    def active(self) -> RunQuerySet:
        return self.filter(state__in=Run.ACTIVE)

    def visible_to(self, user: User | None) -> RunQuerySet:
        """Runs are as private as their model (decision 24) and their benchmark."""
        return self.filter(
            repo__in=Repo.objects.visible_to(user), benchmark__in=Benchmark.objects.visible_to(user).values("pk")
        )


class Run(models.Model):
    """The truth about one evaluation; queue messages are only nudges (evaluation-notes 9).

    Transitions: queued → claimed → running → scoring → succeeded | failed | cancelled,
    each compare-and-set on `state` and `lease_token`. A node holds the lease while claimed and
    running, the worker that scores holds it while scoring; every claim makes a new token.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        CLAIMED = "claimed", _("fetching")
        RUNNING = "running", _("running")
        SCORING = "scoring", _("scoring")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    ACTIVE = (State.QUEUED, State.CLAIMED, State.RUNNING, State.SCORING)
    LEASED = (State.CLAIMED, State.RUNNING)

    class Trigger(models.TextChoices):
        MANUAL = "manual", _("asked for")
        UPLOAD = "upload", _("after an upload")
        VERSION = "version", _("new version of the benchmark")
        RUNNER = "runner", _("new runner that changes scores")
        INTEGRITY = "integrity", _("failed integrity check")
        AGE = "age", _("results grown old")
        SENTINEL = "sentinel", _("watch over a node")

    class Kind(models.TextChoices):
        FULL = "full", _("full")
        SMOKE = "smoke", _("smoke test")
        SENTINEL = "sentinel", _("sentinel")  # of a node, not of the model: never on a board

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="runs")
    commit_oid = models.CharField(max_length=40)
    revision = models.CharField(max_length=255)  # what was asked for: "main", a tag, a commit
    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="runs")
    run_key = models.CharField(max_length=64, db_index=True)  # evaluation-notes 5
    requester = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="runs")
    trigger = models.CharField(max_length=10, choices=Trigger, default=Trigger.MANUAL)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.FULL, db_default=Kind.FULL)
    priority = models.SmallIntegerField(default=0)  # asked-for runs go before automatic ones
    # Whom its work is shared out to, between accounts: who asked, else whose model it is. None: the site's own.
    account = models.ForeignKey(Namespace, null=True, on_delete=models.SET_NULL, related_name="+")
    queue = models.CharField(max_length=40, default="eval.cpu")  # its class
    memory_gb = models.FloatField(default=0.0, db_default=0.0)  # expected, from the headers
    escalated_from = models.CharField(max_length=40, blank=True, default="", db_default="")  # the class it did not fit

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, db_index=True)
    not_before = models.DateTimeField(default=timezone.now)
    nudged_at = models.DateTimeField(null=True)  # when the scoring worker was last told
    node = models.ForeignKey(Node, null=True, on_delete=models.SET_NULL, related_name="runs")
    for_node = models.ForeignKey(Node, null=True, on_delete=models.CASCADE, related_name="+")  # a sentinel is for one
    excluded_node = models.ForeignKey(Node, null=True, on_delete=models.SET_NULL, related_name="+")
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    scoring_attempts = models.PositiveSmallIntegerField(default=0)  # counted before the work

    progress = models.JSONField(default=dict)  # {phase, done, total, rate, eta_seconds}
    log = models.TextField(blank=True)  # last 200 lines
    reason_code = models.CharField(max_length=40, blank=True)  # does_not_fit, unsupported, …
    reason = models.TextField(blank=True)  # a sentence for the model's author

    # of weights, config, tokenizer: what makes it stale
    files_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    runner_version = models.CharField(max_length=20, blank=True, default="", db_default="")  # when it was scored
    # what was found wrong with its record or outputs
    integrity_problem = models.TextField(blank=True, default="", db_default="")
    withdrawn_at = models.DateTimeField(null=True)  # its scores stand nowhere any more, yet it stays visible
    withdrawn_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    withdrawn_reason = models.TextField(blank=True, default="", db_default="")

    item_seed = models.UUIDField(default=uuid.uuid4)  # renames and shuffles items: order tells nothing
    inputs_digest = models.CharField(max_length=64, blank=True)
    measurements = models.JSONField(default=dict)
    provenance = models.JSONField(default=dict)  # evaluation-notes 5

    created_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["run_key"],
                condition=Q(state__in=["queued", "claimed", "running", "scoring"]),
                name="one_active_run_per_key",
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["queue", "-priority", "created_at"],
                condition=Q(state="queued"),
                name="run_queue_order",
            ),
            models.Index(fields=["repo", "benchmark", "-created_at"], name="run_by_repo"),
            models.Index(
                fields=["account"], condition=Q(state__in=["claimed", "running"]), name="run_under_way_of_account"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.state}"

    @property
    def record(self) -> Record | None:
        """The newest of its records; a re-scoring adds one."""
        return self.records.order_by("-pk").first()

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def is_stalled(self) -> bool:
        """No sign of life from the node for a minute, though its lease still runs."""
        if self.state not in self.LEASED or self.lease_until is None:
            return False
        return self.lease_until - timezone.now() < LEASE - STALLED_AFTER


class RunOutput(models.Model):
    """One file a node sent for a run, kept for re-scoring and audit.

    The bytes are a blob of the common store, held by this row alone and by no repo: they live on S3
    like everything else, fsck finds them by their `Blob`, and the database refuses to drop that row
    while an output needs it. Nobody can commit them, since no `RepoBlob` exists (security 5).
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="outputs")
    name = models.CharField(max_length=40)  # predictions.jsonl, measurements.json, …
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="run_outputs")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["run", "name"], name="output_unique_in_run")
        ]

    def __str__(self) -> str:
        return f"{self.name} of run {self.run_id}"


class AutomaticCheck(models.Model):
    """The head of the default branch for which automatic runs were last decided (decision 24)."""

    repo = models.OneToOneField(Repo, primary_key=True, on_delete=models.CASCADE, related_name="+")
    commit_oid = models.CharField(max_length=40)
    checked_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.repo_id} at {self.commit_oid[:7]}"
