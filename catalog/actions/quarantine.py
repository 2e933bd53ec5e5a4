"""Where a pushed pack waits until it is accepted: files without a name, which vanish with the process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.errors import StorageFull, TooLarge
from catalog.parsing.pack_reading import Limits, Pack
from catalog.stores import blob_store

GIB: Final = 1024**3
LARGEST_PACK_BYTES: Final = 4 * GIB
CHECKED_EVERY_BYTES: Final = 64 * 1024**2
LIMITS: Final = Limits(objects=400_000, inflated_bytes=16 * GIB, object_bytes=16 * 1024**2)


@contextmanager
def quarantined(chunks: Iterable[bytes]) -> Iterator[Pack]:
    """The objects of a pack that comes in; nothing of it is left when the block ends.

    Raises:
        BadInput: malformed, lying or incomplete.
        TooLarge, StorageFull
    """
    folder = settings.DATA_DIR / "packs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as pack, tempfile.TemporaryFile(dir=folder) as worked_out:
        _write(pack, chunks)
        yield Pack.read(pack, worked_out, LIMITS)


def _write(pack: BinaryIO, chunks: Iterable[bytes]) -> None:
    size, checked = 0, -CHECKED_EVERY_BYTES
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST_PACK_BYTES:
            raise TooLarge(_("The push is too large; push in smaller steps, and large files by git lfs."))
        if size - checked >= CHECKED_EVERY_BYTES:
            checked = size
            _check_room()
        pack.write(chunk)
    pack.flush()


def _check_room() -> None:
    headroom = blob_store().headroom_bytes()
    if headroom is not None and headroom < CHECKED_EVERY_BYTES:
        raise StorageFull(_("The server has no room for this push."))
