"""What nobody waits for any more: bytes that were uploaded and never committed.

The bytes themselves stay in the store until they are collected; here only the entitlement ends.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from catalog.models import RepoBlob
from catalog.stores import blob_store

ROWS_PER_BATCH = 1000
LEFTOVERS_KEPT_SECONDS = 7 * 86_400  # longer than any upload session


@transaction.atomic
def expire_uncommitted() -> int:
    """End the entitlement of repos to bytes they received days ago and never committed; returns how many.

    Rows that a commit is just taking are locked by it and skipped (security 6).
    """
    doomed = RepoBlob.objects.select_for_update(skip_locked=True).filter(uncommitted_until__lte=timezone.now())
    keys = list(doomed.order_by("pk").values_list("pk", flat=True)[:ROWS_PER_BATCH])
    return RepoBlob.objects.filter(pk__in=keys).delete()[0]


def clear_leftovers() -> int:
    """Remove what killed uploads left in the store, and trash that is a week old; returns how many files."""
    return blob_store().sweep(older_than_seconds=LEFTOVERS_KEPT_SECONDS)
