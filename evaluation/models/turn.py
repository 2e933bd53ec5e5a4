"""Accounts take turns at the nodes (ADR 0024)."""

from __future__ import annotations

from django.db import models

from catalog.models import Namespace


class Turn(models.Model):
    """When a node last began a run of this account; a table of its own, for each claim reads it for all that waits."""

    account = models.OneToOneField(Namespace, primary_key=True, on_delete=models.CASCADE, related_name="turn")
    served_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} at {self.served_at}"
