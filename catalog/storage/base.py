"""What every place for bytes promises: content under its sha256, written once, never wrong."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Protocol, Self, TypeAlias
from urllib.parse import unquote, urlsplit

from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.storage.scattered import Part

Bytes: TypeAlias = bytes | bytearray | memoryview

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TRASHED = re.compile(r"([0-9a-f]{16})-[0-9a-f]{64}-[0-9a-f]{8}", re.ASCII)
_STAGED_KEY = re.compile(r"[0-9A-Za-z_-]{1,128}(?:/[0-9A-Za-z_-]{1,128}){0,3}", re.ASCII)


@dataclass(frozen=True)
class StoredBlob:
    """All names of one content, computed in the pass that wrote it; each in lower-case hex."""

    sha256: str
    size: int
    git_sha1: str
    md5: str


class StoredFile(NamedTuple):
    """One content as the store has it, whatever any row says."""

    sha256: str
    size: int
    written_at: float  # seconds since 1970, by the store's clock


class StagedBlob(Protocol):
    """Bytes on their way in. Nobody sees them before `BlobStore.publish`; leaving the `with` block drops the rest."""

    def write(self, data: Bytes) -> None:
        """Append. Raises `SizeMismatch` as soon as more than the announced bytes have come."""

    def finish(self) -> StoredBlob:
        """Close, make durable and name. Raises `SizeMismatch` when bytes are missing, `StorageFull` without room."""

    @property
    def names(self) -> StoredBlob:
        """What `finish` returned. Raises `BlobUnavailable` before it did."""

    def discard(self) -> None:
        """Forget the bytes; harmless when done twice, and after publishing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class StagedFile(Protocol):
    """Bytes on their way into the corner of `…_staged`; leaving the `with` block drops what was not kept."""

    def write(self, data: Bytes) -> None:
        """Append. Raises `StorageFull` without room."""

    def keep(self) -> None:
        """Give the bytes their key, in place of what it named before; not durable."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BlobStore(Protocol):
    """Content by sha256 (64 lower-case hex digits), and a corner for what may be lost, xorbs and parts (`…_staged`)."""

    def stage(self, *, expected_size: int | None) -> StagedBlob:
        """Room for one incoming content. With its size known, git's id costs no second pass.

        Raises:
            StorageFull: the announced bytes would not fit.
        """

    def publish(self, staged: StagedBlob, *, replace: bool = False) -> None:
        """Give a finished content its name, durably. Idempotent; callers hold the lock of this sha256.

        Args:
            replace: put these bytes in place even if the name exists, because the stored ones are known to be
                damaged, or because nobody may learn from the time it takes that they were here (ADR 0013).
        """

    def stage_all(self, contents: Sequence[bytes]) -> list[StagedBlob]:
        """Many small contents at once, in their order, each finished; all of them or none.

        Raises:
            StorageFull, BlobUnavailable: nothing is left of any.
        """

    def publish_all(self, staged: Sequence[StagedBlob], *, replace: Collection[str] = ()) -> None:
        """`publish` for many at once: what all of them wait for is waited for once.

        Args:
            replace: the sha256s whose bytes are to be put in place in any case.
        """

    def open(self, sha256: str) -> BinaryIO:
        """A stream over the content, seekable on every store. Raises `BlobUnavailable`."""

    def read_range(self, sha256: str, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset`; fewer only at the end. Raises `BlobUnavailable`."""

    def size(self, sha256: str) -> int | None:
        """Bytes stored under this name, None when there are none."""

    def local_path(self, sha256: str) -> Path | None:
        """The file for sendfile; None when the store is elsewhere. Raises `BlobUnavailable`."""

    def signed_url(self, sha256: str, *, filename: str, content_type: str, expires_seconds: int) -> str | None:
        """A URL that serves the content as an attachment for a while; None when we serve it ourselves."""

    def remove(self, sha256: str, *, at: float) -> None:
        """Move the content to the trash; harmless when it is gone.

        Args:
            at: seconds since 1970 by the database's clock; the trash is emptied by it.
        """

    def recover(self, sha256: str, *, before: float) -> bool:
        """Bring back what last came to the trash before that time; False if nothing did, or the name is in use."""

    def headroom_bytes(self) -> int | None:
        """What may still come in before the floor (the larger of 5 % and 2 GiB) is reached; None when unbounded."""

    def probe(self) -> None:
        """Write, read and remove a few bytes. Raises `BlobUnavailable` or `StorageFull` when that fails."""

    def walk(self) -> Iterator[StoredFile]:
        """Every stored content, in no particular order."""

    def sweep(self, *, before: float) -> int:
        """Remove what uploads killed before that time left behind; how many files."""

    def sweep_staged(self, *, before: float) -> int:
        """Remove what was staged before that time, keys or not; how many files."""

    def empty_trash(self, *, before: float) -> int:
        """Remove for good what came to the trash before that time (as `remove` was told); how many files."""

    def open_staged(self, key: str) -> StagedFile:
        """Room for bytes that the sender can send again: kept whole or not at all, and not durable."""

    def read_staged(self, key: str, offset: int, length: int) -> bytes:
        """Raises `BlobUnavailable` when the key is unknown."""

    def read_staged_parts(self, key: str, parts: Sequence[Part]) -> Bytes:
        """These parts in a row. Raises `BlobUnavailable` when the key is unknown or its file shorter.

        Args:
            parts: in the order of the file, not overlapping, close together, at least one.
        """

    def has_staged(self, key: str) -> bool: ...

    def drop_staged(self, key: str) -> None:
        """Harmless when it is gone."""


def open_store(url: str) -> BlobStore:
    """The store that a `STORAGE_URL` names: `file:///directory` or `s3://bucket/prefix?endpoint=http://…&region=…`.

    Raises:
        ValueError: the URL names no store we know.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path.startswith("/"):
        from catalog.storage.local import LocalStore

        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from catalog.storage.s3 import open_s3_store

        return open_s3_store(url)
    raise ValueError("STORAGE_URL must look like file:///directory or s3://bucket/prefix?endpoint=http://host:port")


def checked_sha256(sha256: str) -> str:
    """The digest itself: nothing else may become part of a path or key."""
    if not _SHA256.fullmatch(sha256):
        raise BadInput(_("A sha256 has 64 lower-case hex digits."))
    return sha256


def is_sha256(name: str) -> bool:
    return _SHA256.fullmatch(name) is not None


def trash_name(sha256: str, at: float) -> str:
    """A name that says when it came there, that sorts by it, and that no other removal has."""
    return f"{int(at * 1000):016x}-{sha256}-{secrets.token_hex(4)}"


def trashed_at(name: str) -> float | None:
    """Seconds since 1970, or None for a name that is none of ours."""
    found = _TRASHED.fullmatch(name)
    return int(found[1], 16) / 1000 if found else None


def newest_trash(names: Iterable[str], sha256: str, before: float) -> str | None:
    """The last of these names that is of this content and came before that time."""
    fitting = [name for name in names if f"-{sha256}-" in name and came_before(name, before)]
    return max(fitting, default=None)


def came_before(name: str, moment: float) -> bool:
    """Whether a file of the trash came there before that time; a name that is none of ours never did."""
    at = trashed_at(name)
    return at is not None and at < moment


def checked_key(key: str) -> str:
    """The staged key itself, when it is one to four segments of letters, digits, `_` and `-`."""
    if not _STAGED_KEY.fullmatch(key):
        raise BadInput(_("A staged key has one to four segments of letters, digits, '_' and '-'."))
    return key
