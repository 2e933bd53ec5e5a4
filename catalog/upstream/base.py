"""What every source of mirrors can tell us, in our own types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from catalog.types import UpstreamCommit


@dataclass(frozen=True)
class UpstreamFile:
    """One file of a snapshot and every hash the source states for it."""

    path: str
    size: int
    url: str  # where its bytes come from
    sha256: str | None = None  # stated for LFS files
    git_sha1: str | None = None  # of the git blob (the pointer, for LFS files)
    is_lfs: bool = False
    mode: int | None = None  # git file mode; None: the source does not say

    @property
    def identity(self) -> str:
        """What tells whether we hold it already: as `TreeEntry.etag`."""
        return (self.sha256 if self.is_lfs else self.git_sha1) or ""


@dataclass(frozen=True)
class Snapshot:
    """One immutable state of an upstream repo."""

    commit: UpstreamCommit
    files: tuple[UpstreamFile, ...]
    is_private: bool = False
    is_gated: bool = False
    licence_evidence: tuple[dict[str, str], ...] = field(default=())

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.files)


class Source(Protocol):
    """An adapter for one kind of hub, bound to an endpoint and a repo there."""

    def head(self) -> str:
        """Returns the immutable id the wanted revision stands for now."""

    def snapshot(self, oid: str) -> Snapshot:
        """Returns the files and the identity of one state.

        Raises:
            UpstreamRefused: gone, gated or not permitted.
            UpstreamUnavailable: no proper answer; carries the fact `retry_after_seconds` when known.
        """

    def read(self, file: UpstreamFile, *, partial: Partial) -> Iterator[int]:
        """Completes `partial` with the file's bytes, yielding how many each step brought."""


class Partial(Protocol):
    """A growing local copy that survives a crash, so that a download goes on where it stopped."""

    size: int
    validator: str  # ETag the bytes so far belong to

    def append(self, data: bytes) -> None: ...

    def restart(self, validator: str) -> None: ...
