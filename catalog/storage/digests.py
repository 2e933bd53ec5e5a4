"""All names of a content, computed while its bytes pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from django.utils.translation import gettext as _

from catalog.errors import SizeMismatch
from catalog.storage.base import Bytes, StoredBlob

# From here on a second thread pays: 1 MiB writes went from 250 to 440 MB/s on two cores, at the same CPU time.
PARALLEL_FROM_BYTES: Final = 1024 * 1024


class Digests:
    """Counts and hashes one content. hashlib releases the GIL: md5, the slowest, and git's sha1 run beside the rest."""

    def __init__(self, expected_size: int | None) -> None:
        self.size = 0
        self._expected_size = expected_size
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._git = _git_hasher(expected_size) if expected_size is not None else None
        self._beside: ThreadPoolExecutor | None = None

    def update(self, data: Bytes) -> None:
        """Raises: `SizeMismatch` as soon as more than the announced bytes have come."""
        with self.along(data):
            pass

    @contextmanager
    def along(self, data: Bytes) -> Iterator[None]:
        """`update`, part of it while the block does something else with the same bytes, such as writing them."""
        self.size += len(data)
        if self._expected_size is not None and self.size > self._expected_size:
            raise SizeMismatch(
                _("More than the announced %(expected_size)s bytes were sent.") % {"expected_size": self._expected_size}
            )
        if len(data) < PARALLEL_FROM_BYTES:
            self._update_beside(data)
            self._sha256.update(data)
            yield
            return
        if self._beside is None:
            self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="md5")
        beside = self._beside.submit(self._update_beside, data)
        try:
            self._sha256.update(data)
            yield
        finally:
            beside.result()  # the caller may reuse the buffer

    def finish(self, again: Iterable[Bytes]) -> StoredBlob:
        """The names. `again` yields the same bytes once more; it is used only when the size was not announced.

        Raises:
            SizeMismatch: bytes are missing.
        """
        self.close()
        if self._expected_size is not None and self.size != self._expected_size:
            raise SizeMismatch(
                _("%(expected_size)s bytes were announced, %(size)s were sent.")
                % {"expected_size": self._expected_size, "size": self.size}
            )
        if self._git is None:
            self._git = _git_hasher(self.size)
            for data in again:
                self._git.update(data)
        return StoredBlob(self._sha256.hexdigest(), self.size, self._git.hexdigest(), self._md5.hexdigest())

    def close(self) -> None:
        if self._beside is not None:
            self._beside.shutdown()
            self._beside = None

    def _update_beside(self, data: Bytes) -> None:
        self._md5.update(data)
        if self._git is not None:
            self._git.update(data)


def _git_hasher(size: int) -> hashlib._Hash:
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
