"""Files by sha256 on the node's disk: verified, resumed by range, the least recently used given up first."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.node.client import Hub, Order, RemoteFile
from evaluation.node.errors import HubUnavailable, RunFailed, RunStopped

GIGABYTE = 10**9
SPARE_BYTES = 256 * 1024 * 1024  # left free on the disk whatever the limit says
ATTEMPTS = 4  # per file; each goes on where the one before stopped


@dataclass(frozen=True)
class Fetch:
    """Who fetches for which run, and who wants to know.

    stopped: asked between pieces; True ends the fetch.
    done: told how many bytes are here by now.
    """

    hub: Hub
    order: Order
    stopped: Callable[[], bool] = lambda: False
    done: Callable[[int], None] = lambda _: None


class Cache:
    """A folder of immutable files. One process uses it at a time."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self.blobs, self.partial = folder / "blobs", folder / "partial"
        self.limit_bytes = limit_bytes
        for path in (self.blobs, self.partial):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def require(self, fetch: Fetch, files: Iterable[RemoteFile]) -> dict[str, Path]:
        """Every file by its path in the order, fetched where it is not here.

        Raises:
            RunFailed: does_not_fit or node_error.
            RunStopped
        """
        asked = list(files)
        wanted = {file.sha256: file for file in asked}
        missing = [file for file in wanted.values() if not self._is_whole(file)]
        self._make_room(missing, keep=set(wanted))
        have = sum(file.size for file in wanted.values()) - sum(file.size for file in missing)
        for file in missing:
            fetch.done(have)
            self._fetch(replace(fetch, done=_shifted(fetch.done, have)), file)
            have += file.size
        fetch.done(have)
        return {file.path: self.blobs / file.sha256 for file in asked}

    def size_bytes(self) -> int:
        return sum(path.stat().st_size for folder in (self.blobs, self.partial) for path in folder.iterdir())

    def _is_whole(self, file: RemoteFile) -> bool:
        """Whether the file is here, unchanged; using it makes it the youngest."""
        path = self.blobs / file.sha256
        if not path.is_file():
            return False
        # Hashed at each use: a model that ran without walls could have changed it.
        with path.open("rb") as stream:
            intact = hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
        if intact:
            os.utime(path)
        else:
            path.unlink()
        return intact

    def _make_room(self, missing: list[RemoteFile], keep: set[str]) -> None:
        """Deletes what was used longest ago, or refuses before the first byte is fetched."""
        needed = sum(file.size for file in missing)
        kept = sum(path.stat().st_size for path in self.blobs.iterdir() if path.name in keep)
        if needed + kept > self.limit_bytes:
            raise RunFailed(
                "does_not_fit",
                f"The model needs {(needed + kept) / GIGABYTE:.1f} GB, and this node keeps at most "
                f"{self.limit_bytes / GIGABYTE:.1f} GB of models.",
            )
        old = [path for path in (*self.blobs.iterdir(), *self.partial.iterdir()) if path.name not in keep]
        for path in sorted(old, key=lambda path: path.stat().st_mtime):
            if self.size_bytes() + needed <= self.limit_bytes and self._free() >= needed + SPARE_BYTES:
                break
            path.unlink()
        if self._free() < needed + SPARE_BYTES:
            raise RunFailed("node_error", f"The disk of this node is too full to fetch {needed / GIGABYTE:.1f} GB.")

    def _free(self) -> int:
        return shutil.disk_usage(self.blobs).free

    def _fetch(self, fetch: Fetch, file: RemoteFile) -> None:
        partial = self.partial / file.sha256
        said = ""
        for _ in range(ATTEMPTS):
            try:
                digest = self._append(fetch, file, partial)
            except HubUnavailable as error:
                said = str(error)
                continue
            if digest == file.sha256:
                partial.chmod(0o444)
                partial.replace(self.blobs / file.sha256)
                return
            partial.unlink()
            said = "the bytes that arrived are not those that were promised"
        raise RunFailed("node_error", f"The file {file.path} could not be fetched: {said}.")

    def _append(self, fetch: Fetch, file: RemoteFile, partial: Path) -> str:
        """Fetches what is missing of one file; the digest of the whole."""
        partial.touch()
        have = partial.stat().st_size if partial.stat().st_size <= file.size else 0
        with partial.open("r+b") as stream:
            if have < file.size:
                with fetch.hub.fetch(fetch.order, file, offset=have) as (start, pieces):
                    stream.truncate(start)
                    stream.seek(start)
                    for piece in pieces:
                        if fetch.stopped():
                            raise RunStopped("The run was stopped while its files were fetched.")
                        # One byte too many is enough to know that the digest will differ.
                        stream.write(piece[: file.size + 1 - stream.tell()])
                        fetch.done(stream.tell())
            stream.flush()
            os.fsync(stream.fileno())
            stream.seek(0)
            return hashlib.file_digest(stream, "sha256").hexdigest()


def _shifted(done: Callable[[int], None], before: int) -> Callable[[int], None]:
    return lambda count: done(before + count)
