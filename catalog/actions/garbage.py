"""What nobody waits for any more: bytes that were uploaded and never committed.

The bytes themselves stay in the store until they are collected; here only the entitlement ends.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from catalog.models import RepoBlob

ROWS_PER_BATCH = 1000


@transaction.atomic
def expire_uncommitted() -> int:
    """End the entitlement of repos to bytes they received days ago and never committed; returns how many.

    Rows that a commit is just taking are locked by it and skipped (security 6).
    """
    doomed = RepoBlob.objects.select_for_update(skip_locked=True).filter(uncommitted_until__lte=timezone.now())
    keys = list(doomed.order_by("pk").values_list("pk", flat=True)[:ROWS_PER_BATCH])
    return RepoBlob.objects.filter(pk__in=keys).delete()[0]
