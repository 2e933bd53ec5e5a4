"""What a fine-grained token may do, and where (security 11)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import AccessToken, Namespace
from catalog.models.repo import Repo


class TokenGrant(models.Model):
    """One role of a token: in all repos of one namespace, or in one repo."""

    class Role(models.TextChoices):
        READ = "read", _("read")
        WRITE = "write", _("write")
        ADMIN = "admin", _("admin")  # settings and deletion besides

    token = models.ForeignKey(AccessToken, on_delete=models.CASCADE, related_name="grants")
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.CASCADE, related_name="+")
    repo = models.ForeignKey(Repo, null=True, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=5, choices=Role, default=Role.READ)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(repo__isnull=False, namespace=None) | Q(repo=None, namespace__isnull=False),
                name="grant_is_for_one_thing",
            ),
            models.UniqueConstraint(fields=["token", "namespace"], name="one_grant_per_namespace"),
            models.UniqueConstraint(fields=["token", "repo"], name="one_grant_per_repo"),
        ]

    @property
    def place(self) -> str:
        """As people write it: `acme`, or `models/acme/name`."""
        if self.repo is not None:
            return self.repo.kind_and_name
        return self.namespace.name if self.namespace is not None else ""

    def __str__(self) -> str:
        return f"{self.role} in {self.namespace_id or self.repo_id}"
