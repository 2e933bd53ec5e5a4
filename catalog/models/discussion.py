"""Talk about a repo: discussions, pull requests and what happened in them, numbered together per repo."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import User
from catalog.models.repo import Repo, new_public_id
from catalog.models.revision import Commit


class DiscussionQuerySet(models.QuerySet["Discussion"]):
    def unfinished(self) -> DiscussionQuerySet:
        """Open ones, and drafts, which wait for being opened."""
        return self.filter(status__in=Discussion.UNFINISHED)


class Discussion(models.Model):
    """A thread of comments; a pull request is one that also offers the commits of its ref `refs/pr/{num}`."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open")
        CLOSED = "closed", _("closed")
        MERGED = "merged", _("merged")

    UNFINISHED: ClassVar[tuple[str, ...]] = (Status.DRAFT.value, Status.OPEN.value)

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="discussions")
    num = models.PositiveIntegerField()  # from 1, in this repo
    is_pull_request = models.BooleanField(default=False)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=6, choices=Status, default=Status.OPEN)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    text_bytes = models.PositiveBigIntegerField(default=0)  # of all it holds, old versions too: it has a limit
    target_branch = models.CharField(max_length=255, blank=True)  # where a pull request wants to go
    base = models.ForeignKey(Commit, null=True, on_delete=models.SET_NULL, related_name="+")  # where it began
    merge_oid = models.CharField(max_length=40, blank=True)  # the commit that brought it in
    commits_dropped_at = models.DateTimeField(null=True)  # closed for so long that its ref and commits are gone

    objects = DiscussionQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "num"], name="discussion_num_unique_in_repo"),
            models.CheckConstraint(
                condition=Q(is_pull_request=True) | Q(status__in=["open", "closed"]),
                name="only_pull_requests_are_drafts_or_merged",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["repo", "status"], name="discussion_by_status"),
            models.Index(fields=["author", "created_at"], name="discussion_by_author"),
        ]

    def __str__(self) -> str:
        return f"#{self.num} of {self.repo_id}"

    @property
    def git_ref(self) -> str:
        """Where a pull request keeps its commits."""
        return f"refs/pr/{self.num}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED


class DiscussionEvent(models.Model):
    """One thing said or done in a discussion; which columns count depends on its kind."""

    class Kind(models.TextChoices):
        COMMENT = "comment"
        STATUS = "status-change"
        COMMIT = "commit"
        TITLE = "title-change"

    discussion = models.ForeignKey(Discussion, on_delete=models.CASCADE, related_name="events")
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    kind = models.CharField(max_length=13, choices=Kind)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True)  # comment: Markdown; "" once it is hidden
    html = models.TextField(blank=True)  # comment: made from the text, harmless
    is_hidden = models.BooleanField(default=False)
    edited_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=6, choices=Discussion.Status, blank=True)
    commit_oid = models.CharField(max_length=40, blank=True)
    title_before = models.CharField(max_length=200, blank=True)
    title_after = models.CharField(max_length=200, blank=True)  # of a commit: its title

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["discussion", "id"], name="discussion_events_in_order"),
            models.Index(fields=["author", "created_at"], name="discussion_event_by_author"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class CommentVersion(models.Model):
    """What a comment said before it was edited."""

    comment = models.ForeignKey(DiscussionEvent, on_delete=models.CASCADE, related_name="versions")
    text = models.TextField()
    html = models.TextField()
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.comment_id} of {self.written_at:%Y-%m-%d %H:%M}"
