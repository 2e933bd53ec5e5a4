"""Answers kept for a day, so that a request sent twice acts once (security 1.8)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User


class KeptAnswer(models.Model):
    """What one `Idempotency-Key` of one person was answered; without a status while the request is under way."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)  # of the key, the method and the address
    body_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    sealed_body = models.BinaryField(null=True)  # encrypted: it may hold a new token

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["user", "digest"], name="one_answer_per_idempotency_key")
        ]

    def __str__(self) -> str:
        return f"answer {self.status} kept for {self.user_id}"
