"""Bytes we hold, and which repo may use them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User
from catalog.models.repo import Repo


class Blob(models.Model):
    """One immutable sequence of bytes in the store, known by its sha256.

    A `live` row exists only once the file is durable (security 3); the other hashes were
    computed in the same pass.
    """

    class State(models.TextChoices):
        LIVE = "live"
        CORRUPT = "corrupt"
        CONDEMNED = "condemned"
        DELETING = "deleting"

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField()
    git_sha1 = models.CharField(max_length=40, db_index=True)  # id of the git blob object
    md5 = models.CharField(max_length=32)
    state = models.CharField(max_length=9, choices=State, default=State.LIVE)
    created_at = models.DateTimeField(default=timezone.now)
    touched_at = models.DateTimeField(default=timezone.now)  # last publish; GC's grace counts from here
    state_since = models.DateTimeField(null=True, blank=True)  # when it was condemned or found corrupt
    checked_at = models.DateTimeField(null=True, blank=True)  # when scrub last read and hashed it
    # What its header says, read once since bytes never change: {"parameters": {dtype: n}} or {"problem": text}.
    header = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["state", "state_since"], condition=~models.Q(state="live"), name="blob_not_live"),
            models.Index(fields=["checked_at"], name="blob_by_check"),
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} ({self.size} B)"


class RepoBlob(models.Model):
    """This repo received these bytes: the only ground on which it may commit or serve them (security 5)."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="repo_blobs")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="repo_blobs")
    uncommitted_until = models.DateTimeField(null=True, blank=True)  # None: some commit holds it

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["repo", "blob"], name="repo_blob_unique")]

    def __str__(self) -> str:
        return f"{self.repo_id} holds {self.blob_id}"


class Upload(models.Model):
    """A promise of bytes: room is reserved until they arrive or the session expires."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="uploads")
    actor = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"upload of {self.sha256[:12]} to {self.repo_id}"
