"""Who asked for the files of a gated repo, and what they were told."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import User
from catalog.models.repo import Repo, new_public_id


class AccessRequest(models.Model):
    """One person's request for one gated repo; accepted ones are the authorized list."""

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="access_requests")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.PENDING)
    fields = models.JSONField(default=dict)  # what the person wrote into the form
    is_granted = models.BooleanField(default=False)  # given unasked: the person agreed to share no address
    rejection_reason = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "user"], name="access_request_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} asks for {self.repo_id}: {self.state}"
