"""How often something happened lately, for the time Redis is away: a throttle is never simply off (security 11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone


class TallyQuerySet(models.QuerySet["Tally"]):
    @transaction.atomic
    def add_one(self, key: str, *, window_seconds: int) -> int:
        """Count one more under `key`; returns how many there are by now in the window its first one began."""
        ends_at = timezone.now() + timedelta(seconds=window_seconds)
        self.bulk_create([Tally(key=key, ends_at=ends_at)], ignore_conflicts=True)
        tally = self.select_for_update().get(key=key)
        if tally.ends_at <= timezone.now():
            tally.number, tally.ends_at = 0, ends_at
        tally.number += 1
        tally.save(update_fields=["number", "ends_at"])
        return tally.number

    def take_one_back(self, key: str) -> None:
        self.filter(key=key, number__gt=0).update(number=F("number") - 1)

    def numbers(self, keys: Iterable[str]) -> dict[str, int]:
        """How many there are under each key; a key without any is left out."""
        return dict(self.filter(key__in=list(keys), ends_at__gt=timezone.now()).values_list("key", "number"))

    def over(self) -> TallyQuerySet:
        return self.filter(ends_at__lte=timezone.now())


class Tally(models.Model):
    """A count that starts anew when its window has passed."""

    key = models.CharField(max_length=300, primary_key=True)
    number = models.PositiveIntegerField(default=0)
    ends_at = models.DateTimeField(db_index=True)

    objects = TallyQuerySet.as_manager()
