"""What nobody waits for any more: bytes that were uploaded and never committed.

The bytes themselves stay in the store until they are collected; here only the entitlement ends.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from catalog.actions.incoming.uploads import UNCOMMITTED_LIFETIME
from catalog.models import Repo, RepoBlob, TreeEntry
from catalog.queries.clock import database_now
from catalog.stores import blob_store

ROWS_PER_BATCH = 1000
LEFTOVERS_KEPT_SECONDS = 7 * 86_400  # longer than any upload session
STAGED_KEPT_SECONDS = 30 * 86_400  # longer than clients remember; rows end it earlier, unless a crash parted them


@transaction.atomic
def expire_uncommitted() -> int:
    """End the entitlement of repos to bytes they received days ago and never committed; returns how many.

    Rows that a commit is just taking are locked by it and skipped (security 6).
    """
    doomed = RepoBlob.objects.select_for_update(skip_locked=True).filter(uncommitted_until__lte=Now())
    keys = list(doomed.order_by("pk").values_list("pk", flat=True)[:ROWS_PER_BATCH])
    return RepoBlob.objects.filter(pk__in=keys).delete()[0]


def release_unreferenced(repo: Repo) -> int:
    """After history was rewritten: what no tree of the repo names any more waits like any uncommitted upload.

    Returns how many contents that are; call it in the transaction of the change.
    """
    named = TreeEntry.objects.filter(line__repo=repo, blob=OuterRef("blob"))
    gone = RepoBlob.objects.filter(~Exists(named), repo=repo, uncommitted_until=None)
    return gone.update(uncommitted_until=Now() + UNCOMMITTED_LIFETIME)


def clear_leftovers() -> int:
    """Remove what killed uploads left in the store; returns how many files."""
    now, store = database_now().timestamp(), blob_store()
    return store.sweep(before=now - LEFTOVERS_KEPT_SECONDS) + store.sweep_staged(before=now - STAGED_KEPT_SECONDS)
