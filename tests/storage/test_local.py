"""What only a local disk can get wrong: modes, links, lost syncs, full disks, killed writers."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from catalog.errors import BlobUnavailable, StorageFull
from catalog.storage import durability
from catalog.storage.local import FLOOR_BYTES, LocalStore

BODY = b"weights " * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def local(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def put(store: LocalStore, *, replace: bool = False) -> Path:
    with store.stage(expected_size=len(BODY)) as staged:
        staged.write(BODY)
        staged.finish()
        store.publish(staged, replace=replace)
    return store.local_path(SHA256)


def incoming(store: LocalStore) -> list[Path]:
    return list((store.root / "incoming").iterdir())


def test_a_blob_is_a_private_file_under_its_digest(local: LocalStore) -> None:
    path = put(local)

    assert path == local.root / "blobs" / "sha256" / SHA256[:2] / SHA256[2:4] / SHA256
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_nlink == 1
    assert incoming(local) == []


def test_a_blob_cut_short_is_replaced_by_whole_bytes(local: LocalStore) -> None:
    path = put(local)
    path.write_bytes(BODY[:100])

    assert put(local).read_bytes() == BODY


def test_damaged_bytes_of_the_right_size_are_replaced_when_asked(local: LocalStore) -> None:
    path = put(local)
    path.write_bytes(b"\0" * len(BODY))
    reader = path.open("rb")

    assert put(local).read_bytes() == b"\0" * len(BODY)
    assert put(local, replace=True).read_bytes() == BODY

    with reader:
        assert len(reader.read()) == len(BODY)  # who was reading keeps the old file
    assert incoming(local) == []


def test_an_upload_larger_than_the_room_is_refused_before_its_bytes(local: LocalStore) -> None:
    with pytest.raises(StorageFull):
        local.stage(expected_size=local.headroom_bytes() + 1024**4)
    assert incoming(local) == []


def test_the_room_keeps_a_floor_free(local: LocalStore) -> None:
    disk = os.statvfs(local.root)
    floor = max(disk.f_blocks * disk.f_frsize // 20, FLOOR_BYTES)

    assert local.headroom_bytes() == pytest.approx(disk.f_bavail * disk.f_frsize - floor, rel=0.05)


@pytest.mark.parametrize(("code", "expected"), [(errno.EIO, BlobUnavailable), (errno.ENOSPC, StorageFull)])
def test_a_failed_sync_is_final(
    local: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int, expected: type[Exception]
) -> None:
    calls = []

    def fail(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(code, "injected")

    monkeypatch.setattr(os, "fsync", fail)
    with local.stage(expected_size=len(BODY)) as staged:
        staged.write(BODY)
        with pytest.raises(expected):
            staged.finish()
        with pytest.raises(BlobUnavailable):
            staged.finish()
        with pytest.raises(BlobUnavailable):
            local.publish(staged)

    assert len(calls) == 1
    assert local.size(SHA256) is None
    assert incoming(local) == []


class FailingLibc:
    """The C library of a machine whose disk fails at the n-th `syncfs`."""

    def __init__(self, code: int, nth: int) -> None:
        self._code, self._left = code, nth

    def syncfs(self, descriptor: int) -> int:
        self._left -= 1
        if self._left:
            return 0
        ctypes.set_errno(self._code)
        return -1


@pytest.mark.parametrize(("code", "expected"), [(errno.EIO, BlobUnavailable), (errno.ENOSPC, StorageFull)])
@pytest.mark.parametrize("count", [3, 200])
def test_a_failed_sync_of_many_leaves_none_of_them(
    local: LocalStore, monkeypatch: pytest.MonkeyPatch, count: int, code: int, expected: type[Exception]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, "injected")

    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(durability, "_libc", FailingLibc(code, 1))

    with pytest.raises(expected):
        local.stage_all([b"small %d" % number for number in range(count)])

    assert incoming(local) == []
    assert list(local.walk()) == []


def test_names_that_may_not_be_durable_are_not_acknowledged(local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durability, "syncfs_tells", lambda _directory: True)
    monkeypatch.setattr(durability, "_libc", FailingLibc(errno.EIO, 2))
    staged = local.stage_all([b"small %d" % number for number in range(100)])

    with pytest.raises(BlobUnavailable):
        local.publish_all(staged)

    for one in staged:
        one.discard()
    assert incoming(local) == []


def test_where_failures_may_go_unseen_each_file_and_directory_is_synced_by_itself(
    local: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def record(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(durability, "syncfs_tells", lambda _directory: False)
    monkeypatch.setattr(os, "fsync", record)
    staged = local.stage_all([b"small %d" % number for number in range(150)])
    local.publish_all(staged)

    paths = [local.local_path(one.names.sha256) for one in staged]
    directories = {above for path in paths for above in list(path.parents)[:3]}
    assert {str(one.path) for one in staged} == set(synced[:150])
    assert sorted(synced[150:]) == sorted(map(str, directories))
    for one in staged:
        one.discard()


def test_only_file_systems_known_to_tell_of_failures_are_synced_as_a_whole() -> None:
    assert not durability.syncfs_tells(Path("/proc/self"))
    assert not durability.syncfs_tells(Path("/dev/shm"))


def test_publishing_syncs_every_directory_on_the_way(local: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def record(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    path = put(local)

    assert synced[1:] == [str(path.parent), str(path.parent.parent), str(path.parent.parent.parent)]
    assert "/incoming/" in synced[0]


def test_a_link_planted_in_the_way_is_not_followed(local: LocalStore, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b"\0" * len(BODY))
    path = put(local)
    path.unlink()
    path.symlink_to(target)

    assert put(local, replace=True).read_bytes() == BODY
    assert target.read_bytes() == b"\0" * len(BODY)


def test_many_writers_of_one_content_leave_one_whole_file(local: LocalStore) -> None:
    errors: list[BaseException] = []

    def write() -> None:
        try:
            put(local)
        except BaseException as error:  # noqa: BLE001  shown below
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert local.local_path(SHA256).read_bytes() == BODY
    assert incoming(local) == []


def test_a_killed_writer_leaves_only_what_the_sweep_removes(local: LocalStore) -> None:
    script = (
        "import sys; from pathlib import Path; from catalog.storage.local import LocalStore\n"
        "staged = LocalStore(Path(sys.argv[1])).stage(expected_size=100); staged.write(b'half')\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, str(local.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stdin is not None
    assert writer.stdout.readline() == b"ready\n"

    writer.send_signal(signal.SIGKILL)
    writer.wait(10)
    writer.stdin.close()
    writer.stdout.close()

    (left,) = incoming(local)
    assert list(local.walk()) == []
    assert local.sweep(before=time.time() - 3600) == 0
    os.utime(left, (time.time() - 7200, time.time() - 7200))
    assert local.sweep(before=time.time() - 3600) == 1
    assert incoming(local) == []


def test_removed_bytes_wait_in_the_trash(local: LocalStore) -> None:
    put(local)

    local.remove(SHA256, at=5.0)

    (kept,) = (local.root / "trash").iterdir()
    assert kept.read_bytes() == BODY
    with pytest.raises(BlobUnavailable):
        local.local_path(SHA256)
