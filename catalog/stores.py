"""The configured blob store, opened once per process."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from catalog.storage.base import BlobStore, open_store


@cache
def blob_store() -> BlobStore:
    """Returns the store that `STORAGE_URL` names."""
    return open_store(settings.STORAGE_URL)
