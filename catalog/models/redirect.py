"""Names that repos had before: they lead to the repo for good."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import Namespace
from catalog.models.repo import Repo


class RepoRedirect(models.Model):
    """A former name of a repo. It ends when its old namespace uses the name for another repo."""

    kind = models.CharField(max_length=7, choices=Repo.Kind)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="+")
    name_key = models.CharField(max_length=96)  # casefolded
    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="former_names")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["namespace", "kind", "name_key"], name="former_name_leads_to_one_repo")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace_id}/{self.name_key} → {self.repo_id}"
