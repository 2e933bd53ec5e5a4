"""Copying a whole site, and putting it back (security 7).

Out: a lease stops all deletions, the database is dumped, then every content is copied; so the copy holds at least what
the dump names. In: contents first, then the database, then `fsck --data`. Every byte is hashed on its way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions.upkeep import upkeep_leases
from catalog.errors import BackupUnusable, BlobUnavailable, SizeMismatch
from catalog.models import Blob, Repo, User
from catalog.storage.base import BlobStore
from catalog.storage.local import LocalStore
from catalog.stores import blob_store

DUMP, MANIFEST, BLOBS, FORMAT = "database.dump", "manifest.json", "store", 1
READ_BYTES: Final = 4 * 1024 * 1024
_STORED: Final = (Blob.State.LIVE, Blob.State.CONDEMNED)


@dataclass
class Copied:
    """How it went; `missing` are contents that the source could not give whole."""

    blobs: int = 0
    bytes: int = 0
    copied: int = 0
    missing: list[str] = field(default_factory=list)


def back_up(folder: Path, *, dump: Callable[[Path], None]) -> Copied:
    """Write or renew the backup in `folder`; the one that was there stays usable until the new one is whole.

    Args:
        dump: writes the database into a file.

    Raises:
        UpkeepBusy: another backup runs.
        LeaseLost: deletions were not held off all the time; the backup is not to be trusted and was not renewed.
        BackupUnusable, StorageFull
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = LocalStore(folder / BLOBS)
        fresh = folder / f"{DUMP}.new"
        with upkeep_leases.held(upkeep_leases.BACKUP):
            dump(fresh)
            rows = Blob.objects.filter(state__in=_STORED).order_by("pk").values_list("sha256", "size")
            done = copy(blob_store(), target, rows.iterator(1000))
        _put(folder / f"{MANIFEST}.new", json.dumps(_manifest(done)).encode())
        _sync(fresh)
        fresh.replace(folder / DUMP)
        (folder / f"{MANIFEST}.new").replace(folder / MANIFEST)
        _sync(folder)
    except OSError as problem:
        raise BackupUnusable(f"{folder}: {problem.strerror}") from problem
    return done


def check(folder: Path) -> None:
    """Raises `BackupUnusable` unless this is a backup that we can restore, and the site is empty."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        raise BackupUnusable(_("%(folder)s holds no backup.") % {"folder": folder}) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT or not (folder / DUMP).is_file():
        raise BackupUnusable(_("This version cannot read the backup in %(folder)s.") % {"folder": folder})
    if Repo.objects.exists() or User.objects.exists() or Blob.objects.exists():
        raise BackupUnusable(_("A backup is restored into an empty site, and this one has users or repos."))


def restore_blobs(folder: Path) -> Copied:
    """Copy every content of a backup into the store of this site."""
    source = LocalStore(folder / BLOBS)
    return copy(source, blob_store(), ((file.sha256, file.size) for file in source.walk()))


def copy(source: BlobStore, target: BlobStore, contents: Iterable[tuple[str, int]]) -> Copied:
    """Copy what `target` lacks, hashing on the way.

    Args:
        contents: sha256 and size of each.

    Raises:
        StorageFull
    """
    done = Copied()
    for sha256, size in contents:
        done.blobs += 1
        done.bytes += size
        if target.size(sha256) == size:
            continue
        if _copy_one(source, target, sha256, size):
            done.copied += 1
        else:
            done.missing.append(sha256)
    return done


def _copy_one(source: BlobStore, target: BlobStore, sha256: str, size: int) -> bool:
    with target.stage(expected_size=size) as staged:
        try:
            with source.open(sha256) as content:
                while data := content.read(READ_BYTES):
                    staged.write(data)
            if staged.finish().sha256 != sha256:
                return False
        except (BlobUnavailable, SizeMismatch, OSError):
            return False
        target.publish(staged)
    return True


def _manifest(done: Copied) -> dict[str, object]:
    return {"format": FORMAT, "made_at": timezone.now().isoformat(), **asdict(done)}


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
