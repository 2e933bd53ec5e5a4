"""Bytes on their way into a directory: files in `incoming/` under random names until they get their own."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, StorageFull
from catalog.storage import durability
from catalog.storage.base import Bytes, StoredBlob
from catalog.storage.digests import Digests
from catalog.storage.staging import Staged

CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
EARLY_BYTES: Final = 16 * 1024**2  # that wait at most before the disk begins to write them
_READ_BYTES: Final = 1024 * 1024
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalStagedBlob(Staged):
    """A file in `incoming/` under a random name."""

    def __init__(self, path: Path, expected_size: int | None) -> None:
        self.path = path
        self._digests = Digests(expected_size)
        self._begun = 0  # bytes whose writing was begun
        with told_apart():
            self._descriptor: int | None = os.open(path, CREATE, 0o600)

    def write(self, data: Bytes) -> None:
        if self._descriptor is None:
            raise BlobUnavailable(_("The upload is closed."))
        view = memoryview(data).cast("B")
        with self._digests.along(view), told_apart():
            while view:
                view = view[os.write(self._descriptor, view) :]
        if self._digests.size - self._begun >= EARLY_BYTES:
            durability.start_writing(self._descriptor, self._begun, self._digests.size - self._begun)
            self._begun = self._digests.size

    def finish(self) -> StoredBlob:
        self._name()
        try:
            with told_apart():
                os.fsync(self._open())
        except BaseException:
            self.discard()  # a failed fsync is final: a second one may lie, so the bytes must come again
            raise
        self._close()
        return self.names

    def finish_in(self, group: durability.Group) -> StoredBlob:
        """As `finish`, but durable only when the group is."""
        self._name()
        descriptor, self._descriptor = self._open(), None
        with told_apart():
            group.add(descriptor)
        return self.names

    def discard(self) -> None:
        self._close()
        self._digests.close()
        self.path.unlink(missing_ok=True)

    def _name(self) -> None:
        descriptor = self._open()
        try:
            self.stored = self._digests.finish(_chunks(descriptor))
        except BaseException:
            self.discard()
            raise

    def _open(self) -> int:
        if self._descriptor is None:
            raise BlobUnavailable(_("The upload is closed."))
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class LocalStagedFile:
    """A file in `incoming/` that moves to its key under `staged/`."""

    def __init__(self, path: Path, final: Path) -> None:
        self._path, self._final = path, final
        with told_apart():
            self._file = path.open("xb", buffering=0)

    def write(self, data: Bytes) -> None:
        view = memoryview(data).cast("B")
        with told_apart():
            while view:
                view = view[self._file.write(view) :]

    def keep(self) -> None:
        with told_apart():
            self._final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.replace(self._final)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


@contextlib.contextmanager
def told_apart() -> Iterator[None]:
    """A full disk is the sender's news, everything else the operator's."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull(_("The disk is full.")) from error
        raise BlobUnavailable(_("The bytes could not be stored.")) from error


def _chunks(descriptor: int) -> Iterator[bytes]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    while data := os.read(descriptor, _READ_BYTES):
        yield data
