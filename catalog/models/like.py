"""Likes: what people keep in view. They are no ratings and never mix with them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User
from catalog.models.repo import Repo


class Like(models.Model):
    """One person likes one repo; the sum stands in the facts of the repo."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="likes")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["repo", "user"], name="like_unique")]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["user", "-id"], name="like_newest_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.repo_id}"
