"""What happened to repos, and whom we tell: events, webhooks and their deliveries."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import Membership, Namespace, User
from catalog.models.repo import Repo, new_public_id


class RepoEvent(models.Model):
    """One thing that happened to a repo, written in the transaction in which it happened."""

    class Action(models.TextChoices):
        CREATE = "create", _("create")
        DELETE = "delete", _("delete")
        MOVE = "move", _("move")
        UPDATE = "update", _("update")

    class Scope(models.TextChoices):
        REPO = "repo", _("repo")
        CONTENT = "repo.content", _("content")
        CONFIG = "repo.config", _("settings")
        DISCUSSION = "discussion", _("discussion")
        COMMENT = "discussion.comment", _("comment")

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="events")
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    scope = models.CharField(max_length=30, choices=Scope)
    action = models.CharField(max_length=10, choices=Action)
    details = models.JSONField(default=dict)  # see `actions.events.emit`
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["repo", "-id"], name="repo_event_newest"),
            models.Index(fields=["-at", "-id"], name="event_latest"),
            models.Index(fields=["repo", "-at", "-id"], name="repo_event_latest"),
            models.Index(fields=["actor", "-at", "-id"], name="repo_event_latest_of_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.action} of {self.repo_id}"


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def told_of(self, event: RepoEvent) -> WebhookQuerySet:
        """Those that are on, watch this repo or its owner for this domain, and belong to somebody who may read it.

        Without the last, the list of deliveries would tell strangers what happens in private.
        """
        domain = event.scope.partition(".")[0]
        repo = event.repo
        readers = Q()
        if repo.is_private:
            own = Q(user__namespace_id=repo.namespace_id)
            readers = (
                own
                | Q(user__in=User.objects.administering())
                | Q(user__in=Membership.objects.filter(organisation__namespace_id=repo.namespace_id).values("user"))
            )
        return self.filter(
            readers,
            Q(watches__repo=repo) | Q(watches__namespace_id=repo.namespace_id),
            is_disabled=False,
            domains__contains=[domain],
            user__is_active=True,
        ).distinct()


class Webhook(models.Model):
    """An address its owner wants told about some repos, as far as they may read them."""

    DOMAINS = ("repo", "discussion")

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    domains = ArrayField(models.CharField(max_length=10), default=list)
    secret_sealed = models.BinaryField(null=True)  # signs deliveries; None: they are unsigned
    is_disabled = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = WebhookQuerySet.as_manager()

    def __str__(self) -> str:
        return f"webhook {self.public_id} of {self.user_id}"


class WebhookWatchQuerySet(models.QuerySet["WebhookWatch"]):
    def visible_to(self, user: User) -> WebhookWatchQuerySet:
        """Without repos that this person may not read (any more): their names may have changed since."""
        return self.filter(Q(repo=None) | Q(repo__in=Repo.objects.visible_to(user)))


class WebhookWatch(models.Model):
    """One repo, or everything of one owner, that a webhook is about."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="watches")
    repo = models.ForeignKey(Repo, null=True, on_delete=models.CASCADE, related_name="+")
    namespace = models.ForeignKey(Namespace, null=True, on_delete=models.CASCADE, related_name="+")

    objects = WebhookWatchQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=Q(repo__isnull=False, namespace=None) | Q(repo=None, namespace__isnull=False),
                name="webhook_watches_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.webhook_id} watches {self.repo_id or self.namespace_id}"


class WebhookDelivery(models.Model):
    """One event on its way to one webhook: a leased job, its row is the truth (security 13)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("failed")
        WITHHELD = "withheld", _("withheld")  # its owner may not read the repo (any more)

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(RepoEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    fence = models.PositiveIntegerField(default=0)  # grows with every claim; writes compare it
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(default=timezone.now)
    attempt = models.PositiveSmallIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)  # what the receiver answered last
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["webhook", "event"], name="one_delivery_per_event")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["not_before"], name="delivery_due", condition=Q(state__in=["queued", "running"]))
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}: {self.state}"
