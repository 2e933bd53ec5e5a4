"""Blobs as files: `blobs/sha256/aa/bb/<hex>`, written beside and linked into place.

Only validated digests and keys become part of a path. A file without a row is allowed and is garbage;
a row without a durable file never exists, because publishing ends with the fsync of every directory on the way.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, StorageFull
from catalog.storage.base import (
    Bytes,
    StagedBlob,
    StoredBlob,
    StoredFile,
    came_before,
    checked_key,
    checked_sha256,
    is_sha256,
    newest_trash,
    trash_name,
)
from catalog.storage.digests import Digests

FLOOR_SHARE: Final = 0.05
FLOOR_BYTES: Final = 2 * 1024**3
_READ_BYTES: Final = 1024 * 1024
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class LocalStagedBlob:
    """A file in `incoming/` under a random name."""

    def __init__(self, path: Path, expected_size: int | None) -> None:
        self.path = path
        self.stored: StoredBlob | None = None
        self._digests = Digests(expected_size)
        with _told_apart():
            self._descriptor: int | None = os.open(path, _CREATE, 0o600)

    def write(self, data: Bytes) -> None:
        if self._descriptor is None:
            raise BlobUnavailable(_("The upload is closed."))
        view = memoryview(data).cast("B")
        self._digests.update(view)
        with _told_apart():
            while view:
                view = view[os.write(self._descriptor, view) :]

    def finish(self) -> StoredBlob:
        if self._descriptor is None:
            raise BlobUnavailable(_("The upload is closed."))
        try:
            self.stored = self._digests.finish(_chunks(self._descriptor))
            with _told_apart():
                os.fsync(self._descriptor)
        except BaseException:
            self.discard()  # a failed fsync is final: a second one may lie, so the bytes must come again
            raise
        self._close()
        return self.stored

    def discard(self) -> None:
        self._close()
        self._digests.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class LocalStagedFile:
    """A file in `incoming/` that moves to its key under `staged/`."""

    def __init__(self, path: Path, final: Path) -> None:
        self._path, self._final = path, final
        with _told_apart():
            self._file = path.open("xb", buffering=0)

    def write(self, data: Bytes) -> None:
        view = memoryview(data).cast("B")
        with _told_apart():
            while view:
                view = view[self._file.write(view) :]

    def keep(self) -> None:
        with _told_apart():
            self._final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.replace(self._final)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class LocalStore:
    """A directory; all of it on one file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = root / "incoming"
        self._blobs = root / "blobs" / "sha256"
        self._trash = root / "trash"
        self._staged = root / "staged"
        for directory in (self._incoming, self._blobs, self._trash, self._staged):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def stage(self, *, expected_size: int | None) -> LocalStagedBlob:
        self._check_room(expected_size or 0)
        return LocalStagedBlob(self._incoming / secrets.token_hex(16), expected_size)

    def publish(self, staged: StagedBlob, *, replace: bool = False) -> None:
        if not isinstance(staged, LocalStagedBlob) or staged.stored is None:
            raise BlobUnavailable(_("Only a finished upload of this store can be published."))
        final = self._path(staged.stored.sha256)
        with _told_apart():
            final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._put_in_place(staged.path, final, staged.stored.size, replace=replace)
            # Another process may have made these directories a moment ago and not have synced them yet.
            for directory in (final.parent, final.parent.parent, self._blobs):
                _fsync_directory(directory)

    def open(self, sha256: str) -> BinaryIO:
        with _missing_is_unavailable():
            return self._path(sha256).open("rb")

    def read_range(self, sha256: str, offset: int, length: int) -> bytes:
        return self._read(self._path(sha256), offset, length)

    def size(self, sha256: str) -> int | None:
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def local_path(self, sha256: str) -> Path:
        path = self._path(sha256)
        with _missing_is_unavailable():
            path.stat()
        return path

    def signed_url(self, sha256: str, *, filename: str, content_type: str, expires_seconds: int) -> str | None:
        return None

    def remove(self, sha256: str, *, at: float) -> None:
        path = self._path(sha256)
        with _told_apart(), contextlib.suppress(FileNotFoundError):
            path.rename(self._trash / trash_name(sha256, at))

    def recover(self, sha256: str, *, before: float) -> bool:
        final = self._path(sha256)
        thrown = newest_trash((path.name for path in self._trash.glob(f"*-{sha256}-*")), sha256, before)
        if thrown is None or final.exists():
            return False
        with _told_apart():
            final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._trash / thrown).rename(final)
            for directory in (final.parent, final.parent.parent, self._blobs):
                _fsync_directory(directory)
        return True

    def headroom_bytes(self) -> int:
        disk = os.statvfs(self.root)
        floor = max(int(disk.f_blocks * disk.f_frsize * FLOOR_SHARE), FLOOR_BYTES)
        return max(0, disk.f_bavail * disk.f_frsize - floor)

    def probe(self) -> None:
        path = self._incoming / f"probe-{secrets.token_hex(8)}"
        with _told_apart(), contextlib.ExitStack() as cleaning:
            descriptor = os.open(path, _CREATE, 0o600)
            cleaning.callback(path.unlink, missing_ok=True)
            cleaning.callback(os.close, descriptor)
            os.write(descriptor, b"probe")
            os.fsync(descriptor)
            if os.pread(descriptor, 5, 0) != b"probe":
                raise BlobUnavailable(_("The disk does not return what was written to it."))

    def walk(self) -> Iterator[StoredFile]:
        for path in self._blobs.glob("??/??/*"):
            with contextlib.suppress(FileNotFoundError):
                if is_sha256(path.name):
                    found = path.stat()
                    yield StoredFile(path.name, found.st_size, found.st_mtime)

    def sweep(self, *, before: float) -> int:
        return _unlink_all(path for path in self._incoming.iterdir() if _written_at(path) < before)

    def sweep_staged(self, *, before: float) -> int:
        files = (path for path in self._staged.rglob("*") if path.is_file())
        return _unlink_all(path for path in files if _written_at(path) < before)

    def empty_trash(self, *, before: float) -> int:
        return _unlink_all(path for path in self._trash.iterdir() if came_before(path.name, before))

    def open_staged(self, key: str) -> LocalStagedFile:
        return LocalStagedFile(self._incoming / secrets.token_hex(16), self._staged / checked_key(key))

    def read_staged(self, key: str, offset: int, length: int) -> bytes:
        return self._read(self._staged / checked_key(key), offset, length)

    def has_staged(self, key: str) -> bool:
        return (self._staged / checked_key(key)).is_file()

    def drop_staged(self, key: str) -> None:
        (self._staged / checked_key(key)).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        checked_sha256(sha256)
        return self._blobs / sha256[:2] / sha256[2:4] / sha256

    def _check_room(self, size: int) -> None:
        room = self.headroom_bytes()
        if size > room:
            raise StorageFull(
                _("%(size)s bytes do not fit: %(room)s bytes are left.") % {"size": size, "room": room}, room_bytes=room
            )

    def _put_in_place(self, source: Path, final: Path, size: int, *, replace: bool) -> None:
        if not replace:
            try:
                os.link(source, final)
            except FileExistsError:
                replace = final.stat().st_size != size  # the same name, other bytes: ours are verified, so they win
            else:
                return
        if replace:
            beside = source.with_name(f"{source.name}-new")
            os.link(source, beside)
            beside.replace(final)

    @staticmethod
    def _read(path: Path, offset: int, length: int) -> bytes:
        with _missing_is_unavailable(), path.open("rb") as file:
            file.seek(offset)
            return file.read(length)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _unlink_all(paths: Iterable[Path]) -> int:
    removed = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            removed += 1
    return removed


def _chunks(descriptor: int) -> Iterator[bytes]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    while data := os.read(descriptor, _READ_BYTES):
        yield data


def _fsync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told_apart() -> Iterator[None]:
    """A full disk is the sender's news, everything else the operator's."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull(_("The disk is full.")) from error
        raise BlobUnavailable(_("The bytes could not be stored.")) from error


@contextlib.contextmanager
def _missing_is_unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BlobUnavailable(_("The stored bytes are missing or unreadable.")) from error
