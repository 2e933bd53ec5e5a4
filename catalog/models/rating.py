"""What people who used a model say of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.models.accounts import User
from catalog.models.repo import Repo


class Rating(models.Model):
    """One person's stars for one repo, with an optional review text. Never mixes with scores."""

    repo = models.ForeignKey(Repo, on_delete=models.CASCADE, related_name="ratings")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ratings")
    stars = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    text = models.TextField(blank=True)  # "" or 10–4000 characters
    used_for = models.CharField(max_length=200, blank=True)
    hardware = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)  # BCP 47 tag of the text
    revision = models.CharField(max_length=40)  # commit oid of the default branch when rated
    is_verified_use = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["repo", "user"], name="rating_unique_per_user"),
            models.CheckConstraint(condition=Q(stars__range=(1, 5)), name="rating_stars_1_to_5"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} gives {self.repo_id} {self.stars}"


class RatingEdit(models.Model):
    """What a rating said before it was changed."""

    rating = models.ForeignKey(Rating, on_delete=models.CASCADE, related_name="edits")
    stars = models.PositiveSmallIntegerField()
    text = models.TextField(blank=True)
    revision = models.CharField(max_length=40)
    replaced_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"earlier {self.stars} of {self.rating_id}"
