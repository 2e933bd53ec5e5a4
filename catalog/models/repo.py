"""Repos: what is hosted, under which name, for whom to see."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models.accounts import Membership, Namespace, Reach, User


def new_public_id() -> str:
    """Returns 24 hex digits, the shape of ids the Hub's clients know."""
    return secrets.token_hex(12)


class RepoQuerySet(models.QuerySet["Repo"]):
    def live(self) -> RepoQuerySet:
        return self.filter(deleted_at=None)

    def visible_to(self, user: User | None) -> RepoQuerySet:
        """Repos this person may read; the one rule all lists and lookups go through."""
        return self.live().open_to(user)

    def open_to(self, user: User | None) -> RepoQuerySet:
        """Like `visible_to`, with the deleted ones among them: for telling people that they are gone."""
        if user is None:
            return self.filter(visibility=Repo.Visibility.PUBLIC)
        if user.reach is not None:
            return self._within_reach(user, user.reach)
        if user.administers:
            return self
        teams = Membership.objects.filter(user=user).values("organisation__namespace_id")
        return self.filter(
            Q(visibility=Repo.Visibility.PUBLIC) | Q(namespace_id=user.namespace_id) | Q(namespace_id__in=teams)
        )

    def _within_reach(self, user: User, reach: Reach) -> RepoQuerySet:
        """What is public, and of what this person may read the part that their token names."""
        teams = Membership.objects.filter(user=user).values("organisation__namespace_id")
        theirs = Q(namespace_id=user.namespace_id) | Q(namespace_id__in=teams)
        named = Q(namespace_id__in=list(reach.namespaces)) | Q(pk__in=list(reach.repos))
        return self.filter(Q(visibility=Repo.Visibility.PUBLIC) | (named & (Q() if user.administers else theirs)))


class Repo(models.Model):
    """A model, dataset or space: files under version control, a card, and what people and runs say of it."""

    class Kind(models.TextChoices):
        MODEL = "model", _("model")
        DATASET = "dataset", _("dataset")
        SPACE = "space", _("space")  # files only: nothing runs here

    class Gate(models.TextChoices):
        """Whether the files of a public repo need asking for, and who says yes."""

        OPEN = "", _("open")
        AUTO = "auto", _("granted at once")
        MANUAL = "manual", _("granted by hand")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("public")
        PRIVATE = "private", _("private")

    kind = models.CharField(max_length=7, choices=Kind, default=Kind.MODEL)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="repos")
    name = models.CharField(max_length=96)
    name_key = models.CharField(max_length=96)  # casefolded
    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    visibility = models.CharField(max_length=7, choices=Visibility, default=Visibility.PUBLIC)
    gate = models.CharField(max_length=6, choices=Gate, default=Gate.OPEN, blank=True)
    sdk = models.CharField(max_length=20, blank=True)  # of a space: what it was written for
    default_branch = models.CharField(max_length=255, default="main")
    discussions_disabled = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)  # soft delete: bytes live 30 days more

    objects = RepoQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["namespace", "kind", "name_key"],
                condition=Q(deleted_at=None),
                name="repo_unique_in_namespace",
            )
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        """`namespace/name`; needs `namespace` selected."""
        return f"{self.namespace.name}/{self.name}"

    @property
    def kind_and_name(self) -> str:
        """`models/namespace/name`: what names one repo where repos of all kinds are named."""
        return f"{self.kind}s/{self.full_name}"

    @property
    def is_gated(self) -> bool:
        return bool(self.gate)

    @property
    def is_private(self) -> bool:
        return self.visibility == self.Visibility.PRIVATE

    @property
    def web_path(self) -> str:
        """Path of the repo's page: models at the root, others under `/datasets/` and `/spaces/`."""
        return f"/{self.full_name}" if self.kind == self.Kind.MODEL else f"/{self.kind_and_name}"

    @property
    def is_mirror(self) -> bool:
        """Whether its content comes from another hub; needs `mirror` selected to be free."""
        return getattr(self, "mirror", None) is not None


class DownloadCount(models.Model):
    """Downloads of one repo on one day (UTC)."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="download_counts")
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "day"], name="download_count_unique_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.repo_id} {self.day}: {self.count}"


class WeightsDownload(models.Model):
    """This person fetched weights of this repo: what the "verified use" mark of a review rests on."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="weights_downloads")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    first_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "user"], name="weights_download_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} fetched {self.repo_id}"
