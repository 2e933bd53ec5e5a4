"""What keeps the store whole and within bounds: leases of upkeep work, quotas, and files that were removed for good."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import Namespace, User
from catalog.models.repo import Repo


class UpkeepLease(models.Model):
    """Whoever holds the lease of this name works alone: `backup`, `collection`, `scrub`.

    Only the database's clock says whether it has run out (security 6).
    """

    name = models.CharField(max_length=40, unique=True)
    holder = models.CharField(max_length=200)  # host and process, for the operator
    token = models.UUIDField(default=uuid.uuid4)  # a new one with every taking
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} held by {self.holder}"


class NamespaceQuota(models.Model):
    """How many logical bytes the repos of one namespace may hold, instead of the site's own limit."""

    namespace = models.OneToOneField(Namespace, on_delete=models.CASCADE, related_name="quota")
    limit_bytes = models.BigIntegerField(null=True)  # None: no limit

    def __str__(self) -> str:
        return f"{self.namespace_id}: {self.limit_bytes}"


class RemovedFile(models.Model):
    """A large file that was deleted for good while its pointers stay in the history.

    The tree entries keep git's id of the pointer, whose text can be written again from this row.
    """

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="removed_files")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    pointer_oid = models.CharField(max_length=40, db_index=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    removed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "sha256"], name="removed_file_unique_in_repo")
        ]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} of {self.repo_id}"
