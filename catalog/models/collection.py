"""Collections: repos that somebody put together under a title, with notes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.accounts import Membership, Namespace, User
from catalog.models.repo import Repo, new_public_id


class CollectionQuerySet(models.QuerySet["Collection"]):
    def visible_to(self, user: User | None) -> CollectionQuerySet:
        """Public ones, and those of one's own namespaces; what they hold is filtered for each reader besides."""
        if user is None:
            return self.filter(is_private=False)
        if user.reach is not None:
            theirs = (
                Q()
                if user.administers
                else Q(namespace_id=user.namespace_id)
                | Q(namespace_id__in=Membership.objects.filter(user=user).values("organisation__namespace_id"))
            )
            return self.filter(Q(is_private=False) | (Q(namespace_id__in=list(user.reach.namespaces)) & theirs))
        if user.administers:
            return self
        teams = Membership.objects.filter(user=user).values("organisation__namespace_id")
        return self.filter(Q(is_private=False) | Q(namespace_id=user.namespace_id) | Q(namespace_id__in=teams))


class Collection(models.Model):
    """A titled list of repos (and collections) of one namespace."""

    class Theme(models.TextChoices):
        ORANGE = "orange"
        BLUE = "blue"
        GREEN = "green"
        PURPLE = "purple"
        PINK = "pink"
        INDIGO = "indigo"

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    namespace = models.ForeignKey(Namespace, on_delete=models.PROTECT, related_name="collections")
    title = models.CharField(max_length=60)
    title_slug = models.CharField(max_length=60)  # the title as addresses spell it
    description = models.CharField(max_length=150, blank=True)
    is_private = models.BooleanField(default=False)
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.BLUE)
    position = models.PositiveIntegerField(default=0)  # among the collections of its namespace
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["-updated_at", "-id"], name="collection_newest")]

    def __str__(self) -> str:
        return self.slug

    @property
    def slug(self) -> str:
        """`namespace/title-<id>`; needs `namespace` selected. The id alone decides."""
        return f"{self.namespace.name}/{self.title_slug}-{self.public_id}"


class CollectionItem(models.Model):
    """One thing in a collection: a repo or another collection."""

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="items")
    repo = models.ForeignKey(Repo, null=True, on_delete=models.CASCADE, related_name="+")
    linked = models.ForeignKey(Collection, null=True, on_delete=models.CASCADE, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["collection", "repo"], name="repo_once_in_collection"),
            models.UniqueConstraint(fields=["collection", "linked"], name="collection_once_in_collection"),
            models.CheckConstraint(
                condition=Q(repo__isnull=False, linked=None) | Q(repo=None, linked__isnull=False),
                name="item_is_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repo_id or self.linked_id} in {self.collection_id}"
