"""CI systems whose jobs may write here without a secret of ours, and which of their tokens were used up."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.accounts import Namespace, User
from catalog.models.repo import Repo


class TrustedPublisher(models.Model):
    """Who may write to one repo, or to all of one namespace: what an issuer has to say about a job, word by word."""

    repo = models.ForeignKey(Repo, null=True, on_delete=models.CASCADE, related_name="publishers")
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.CASCADE, related_name="publishers")
    issuer = models.CharField(max_length=500)
    claims = models.JSONField()  # claim → its exact text
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")  # jobs act as them
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(repo__isnull=False, namespace=None) | Q(repo=None, namespace__isnull=False),
                name="publisher_is_for_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"publisher {self.pk} of {self.repo_id or self.namespace_id}"


class UsedToken(models.Model):
    """A token of a CI system that was exchanged; remembered until it has expired by itself."""

    digest = models.CharField(max_length=64, unique=True)  # of issuer and `jti`
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"used until {self.expires_at}"
