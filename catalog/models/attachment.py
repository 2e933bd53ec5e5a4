"""Attachments: files that people put into what they say in discussions, and the comments that show them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from catalog.models.accounts import User
from catalog.models.blob import Blob
from catalog.models.discussion import DiscussionEvent
from catalog.models.repo import new_public_id


class Attachment(models.Model):
    """A file somebody sent for a comment. Until a comment shows it, it is its sender's alone."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="attachments")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    media_type = models.CharField(max_length=20)  # by its content, see parsing/media_types.py
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"attachment {self.public_id}"

    @property
    def path(self) -> str:
        """Where it is served, below the address of the site."""
        return f"/-/attachments/{self.public_id}"


class AttachmentUse(models.Model):
    """This comment shows this attachment: whoever may read the comment may have the file."""

    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="uses")
    comment = models.ForeignKey(DiscussionEvent, on_delete=models.CASCADE, related_name="attachment_uses")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["attachment", "comment"], name="attachment_used_once_in_comment")
        ]

    def __str__(self) -> str:
        return f"{self.attachment_id} in {self.comment_id}"
