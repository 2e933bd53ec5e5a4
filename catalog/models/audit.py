"""The record of privileged changes, and the chain that shows when somebody tampers with it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User


class AuditEntry(models.Model):
    """One privileged change: who, what, on what. Rows are only ever added; triggers of the database refuse the rest."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=60)  # "repo.create", "token.create", …
    target = models.CharField(max_length=255, blank=True)  # "models/ns/name", "user/ann"
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.target}"


class AuditSeal(models.Model):
    """One link of the chain: its digest covers an entry and the link before it (ADR 0011)."""

    number = models.BigIntegerField(primary_key=True)  # 1, 2, 3, … without gaps
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="seal")
    digest = models.CharField(max_length=64)  # HMAC-SHA256, hex

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"
