"""Following: whose doings somebody wants to see among their news."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import Namespace, User


class Follow(models.Model):
    """One person follows another person, or a team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="follows")
    namespace = models.ForeignKey(Namespace, on_delete=models.CASCADE, related_name="followers")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["user", "namespace"], name="follow_unique"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["namespace", "-id"], name="follow_newest_of_namespace")]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.namespace_id}"
