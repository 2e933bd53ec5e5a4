"""What collections hold, as far as a reader may see it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from catalog.models import Collection, CollectionItem, Repo, User
from catalog.models.collection import CollectionQuerySet


def items_of(collections: Iterable[Collection], reader: User | None) -> dict[int, list[CollectionItem]]:
    """Returns collection id → its items in order; repos and collections the reader may not see are left out."""
    ids = [one.pk for one in collections]
    seen = Q(repo__in=Repo.objects.visible_to(reader)) | Q(linked__in=Collection.objects.visible_to(reader))
    rows = (
        CollectionItem.objects.filter(seen, collection__in=ids)
        .select_related("repo__namespace", "repo__facts", "linked__namespace")
        .order_by("position", "pk")
    )
    found: dict[int, list[CollectionItem]] = {pk: [] for pk in ids}
    for row in rows:
        found[row.collection_id].append(row)
    return found


def holding(collections: CollectionQuerySet, repo: Repo) -> CollectionQuerySet:
    """Those that hold this repo."""
    return collections.filter(items__repo=repo)
