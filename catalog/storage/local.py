"""Blobs as files: `blobs/sha256/aa/bb/<hex>`, written beside and linked into place.

Only validated digests and keys become part of a path. A file without a row is allowed and is garbage;
a row without a durable file never exists, because publishing ends with the fsync of every directory on the way.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, StorageFull
from catalog.storage import durability
from catalog.storage.base import (
    StagedBlob,
    StoredFile,
    came_before,
    checked_key,
    checked_sha256,
    is_sha256,
    newest_trash,
    trash_name,
)
from catalog.storage.local_staging import CREATE, LocalStagedBlob, LocalStagedFile, told_apart
from catalog.storage.scattered import Part, read_parts

FLOOR_SHARE: Final = 0.05
FLOOR_BYTES: Final = 2 * 1024**3


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

    def stage_all(self, contents: Sequence[bytes]) -> list[StagedBlob]:
        self._check_room(sum(map(len, contents)))
        staged: list[StagedBlob] = []
        try:
            with told_apart(), durability.together(self._incoming, len(contents)) as group:
                for content in contents:
                    file = LocalStagedBlob(self._incoming / secrets.token_hex(16), len(content))
                    staged.append(file)
                    file.write(content)
                    file.finish_in(group)
        except BaseException:
            for one in staged:
                one.discard()
            raise
        return staged

    def publish(self, staged: StagedBlob, *, replace: bool = False) -> None:
        self.publish_all([staged], replace=[staged.names.sha256] if replace else [])

    def publish_all(self, staged: Sequence[StagedBlob], *, replace: Collection[str] = ()) -> None:
        with told_apart(), durability.together(self._blobs, len(staged)) as group:
            # Another process may have made these directories a moment ago and not have synced them yet.
            directories: dict[Path, None] = {}
            for one in staged:
                if not isinstance(one, LocalStagedBlob):
                    raise BlobUnavailable(_("Only a finished upload of this store can be published."))
                final = self._path(one.names.sha256)
                _make_directories(final.parent)
                self._put_in_place(one.path, final, one.names.size, replace=one.names.sha256 in replace)
                directories |= dict.fromkeys((final.parent, final.parent.parent))
            for directory in (*directories, self._blobs):
                group.add_directory(directory)

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
        with told_apart(), contextlib.suppress(FileNotFoundError):
            path.rename(self._trash / trash_name(sha256, at))

    def recover(self, sha256: str, *, before: float) -> bool:
        final = self._path(sha256)
        thrown = newest_trash((path.name for path in self._trash.glob(f"*-{sha256}-*")), sha256, before)
        if thrown is None or final.exists():
            return False
        with told_apart():
            _make_directories(final.parent)
            (self._trash / thrown).rename(final)
            for directory in (final.parent, final.parent.parent, self._blobs):
                durability.fsync_directory(directory)
        return True

    def headroom_bytes(self) -> int:
        disk = os.statvfs(self.root)
        floor = max(int(disk.f_blocks * disk.f_frsize * FLOOR_SHARE), FLOOR_BYTES)
        return max(0, disk.f_bavail * disk.f_frsize - floor)

    def probe(self) -> None:
        path = self._incoming / f"probe-{secrets.token_hex(8)}"
        with told_apart(), contextlib.ExitStack() as cleaning:
            descriptor = os.open(path, CREATE, 0o600)
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

    def read_staged_parts(self, key: str, parts: Sequence[Part]) -> bytearray:
        with _missing_is_unavailable(), (self._staged / checked_key(key)).open("rb", buffering=0) as file:
            return read_parts(file.fileno(), parts)

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
            beside.unlink(missing_ok=True)  # two names of one file do not replace each other: both would stay

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


def _make_directories(path: Path) -> None:
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def _missing_is_unavailable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BlobUnavailable(_("The stored bytes are missing or unreadable.")) from error
