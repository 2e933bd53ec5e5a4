"""What the newest commit of a model is made of, as far as scores depend on it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from catalog.models import Repo


class HeadFiles(models.Model):
    """The digest of weights, config and tokenizer at the head of the default branch (`queries.staleness`)."""

    repo = models.OneToOneField(Repo, primary_key=True, on_delete=models.CASCADE, related_name="+")
    commit_oid = models.CharField(max_length=40)
    files_digest = models.CharField(max_length=64)
    noted_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.repo_id} at {self.commit_oid[:7]}"
