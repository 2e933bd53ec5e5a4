"""Bringing damaged contents back: from the trash, a replica, or the hub that a mirror follows (security 7).

The fourth way needs nothing here: the next verified upload of the same bytes puts them in place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from catalog.actions.incoming import uploads
from catalog.actions.mirroring.mirror_sync import client_of, source_of
from catalog.errors import CatalogError, EntryNotFound
from catalog.models import Blob, Mirror, TreeEntry
from catalog.queries.clock import database_now
from catalog.storage.base import open_store
from catalog.stores import blob_store
from catalog.upstream.download import PIECE, PartialFile

MOST_MIRRORS: Final = 3  # that are asked for one content
logger = logging.getLogger(__name__)


def repair(blob: Blob) -> str:
    """Put verified bytes in place of damaged ones; returns where they came from, "" when nobody has them."""
    for place, chunks in _places(blob):
        try:
            with uploads.arriving(chunks(), size=blob.size, sha256=blob.sha256) as arrival:
                uploads.keep(arrival)
        except (CatalogError, OSError) as problem:
            logger.warning("%s could not be repaired from %s: %s", blob.sha256, place, problem)
        else:
            return place
    return ""


def _places(blob: Blob) -> Iterator[tuple[str, Callable[[], Iterator[bytes]]]]:
    if blob_store().recover(blob.sha256, before=database_now().timestamp()):  # the damaged ones lie there as of later
        yield "the trash", partial(_read, blob_store().open, blob.sha256)
    if settings.REPLICA_URL:
        yield "the replica", partial(_read, open_store(settings.REPLICA_URL).open, blob.sha256)
    entries = TreeEntry.objects.filter(blob=blob, line__repo__mirror__isnull=False, line__repo__deleted_at=None)
    for entry in entries.select_related("changed_in", "line__repo__mirror").order_by("-pk")[:MOST_MIRRORS]:
        yield f"{entry.line.repo.mirror}", partial(_fetch, entry, entry.line.repo.mirror)


def _read(opened: Callable[[str], BinaryIO], sha256: str) -> Iterator[bytes]:
    with opened(sha256) as content:
        while piece := content.read(PIECE):
            yield piece


def _fetch(entry: TreeEntry, mirror: Mirror) -> Iterator[bytes]:
    """The file again from upstream, at the commit that brought it."""
    with closing(client_of(mirror)) as client:
        source = source_of(mirror, client)
        files = source.snapshot(entry.changed_in.oid).files
        file = next((file for file in files if file.path == entry.path), None)
        if file is None:
            raise EntryNotFound
        part = PartialFile(Path(settings.DATA_DIR) / "partial", f"{mirror.endpoint}\n{file.url}\nrepair")
        with closing(part):
            for _arrived in source.read(file, partial=part):
                pass
        try:
            with part.path.open("rb") as content:
                while piece := content.read(PIECE):
                    yield piece
        finally:
            part.drop()
