"""Making many files durable together: one `syncfs` where that is sure to tell of failures, else an fsync for each.

Since Linux 5.8 `syncfs` reports every failed write-back of the file system since its descriptor was opened. Only
file systems known to pass that on are trusted with it (ADR 0016). A failure is final either way: whoever asked
drops the files, and never asks a second time for the same ones.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Final, Protocol

FEWEST_FOR_SYNCFS: Final = 32  # below, some fsyncs wait less than everything others may have written meanwhile
OPEN_FILES: Final = 64  # of one group at a time
FEW: Final = 3  # fsyncs that pay for no threads; one file has three directories
PARALLEL_FSYNCS: Final = 8  # they share the commits of the file system's journal
_FILE_SYSTEMS: Final = {"ext4", "xfs"}  # an overlay, for one, hides the failures of what is below it
_FIRST_KERNEL: Final = (5, 8)
_START_WRITING: Final = 2  # SYNC_FILE_RANGE_WRITE

_libc: Final = ctypes.CDLL(None, use_errno=True)


class Group(Protocol):
    """Files and directories that become durable no later than when the `together` block ends."""

    def add(self, descriptor: int) -> None:
        """Take over an open file; nothing more may be written to it."""

    def add_directory(self, path: Path) -> None:
        """The names in this directory."""


@contextlib.contextmanager
def together(directory: Path, count: int) -> Iterator[Group]:
    """A group of about so many files on the file system of `directory`.

    Raises:
        OSError: at the end, or before; none of the group may be believed to be durable then.
    """
    group = _AllAtOnce(directory) if count >= FEWEST_FOR_SYNCFS and syncfs_tells(directory) else _OneByOne()
    with contextlib.closing(group):
        yield group
        group.sync()


@cache
def syncfs_tells(directory: Path) -> bool:
    """Whether `syncfs` reports failures here."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if release is None or (int(release[1]), int(release[2])) < _FIRST_KERNEL or not hasattr(_libc, "syncfs"):
        return False
    return _file_system_of(directory) in _FILE_SYSTEMS


def start_writing(descriptor: int, start: int, length: int) -> None:
    """Have the kernel begin to write these bytes, so that little is left for the fsync; only a hint."""
    if hasattr(_libc, "sync_file_range"):
        _libc.sync_file_range(descriptor, ctypes.c_int64(start), ctypes.c_int64(length), ctypes.c_uint(_START_WRITING))


def fsync_directory(path: Path) -> None:
    descriptor = _opened(path)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _AllAtOnce:
    """Opened before the first byte is written: from then on no failure goes unseen."""

    def __init__(self, directory: Path) -> None:
        self._descriptor = _opened(directory)

    def add(self, descriptor: int) -> None:
        os.close(descriptor)

    def add_directory(self, path: Path) -> None:
        """It lies on the same file system."""

    def sync(self) -> None:
        if _libc.syncfs(self._descriptor):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def close(self) -> None:
        os.close(self._descriptor)


class _OneByOne:
    """Files stay open until they are synced: what is closed may forget that writing it failed."""

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._pool = ThreadPoolExecutor(PARALLEL_FSYNCS, thread_name_prefix="fsync")

    def add(self, descriptor: int) -> None:
        self._waiting.append(descriptor)
        if len(self._waiting) >= OPEN_FILES:
            self.sync()

    def add_directory(self, path: Path) -> None:
        self.add(_opened(path))

    def sync(self) -> None:
        run = map if len(self._waiting) <= FEW else self._pool.map
        list(run(os.fsync, self._waiting))
        self._forget()

    def close(self) -> None:
        self._pool.shutdown()
        self._forget()

    def _forget(self) -> None:
        while self._waiting:
            os.close(self._waiting.pop())


def _opened(directory: Path) -> int:
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _file_system_of(directory: Path) -> str:
    """Its type by the kernel's list of mounts, "" when that does not say."""
    device = directory.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            place, _, kind = line.partition(" - ")
            if place.split()[2] == wanted:
                return kind.split()[0]
    return ""
