"""Frozen values that cross layers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AddFile:
    """Put this content at this path. The bytes are in the store and held by the repo already."""

    path: str
    sha256: str
    size: int | None = None  # None: as the stored blob says
    as_lfs: bool = False  # commit a pointer blob instead of the content
    mode: int | None = None  # git file mode; None: keep what is there, else 100644


@dataclass(frozen=True)
class DeleteFile:
    """Remove this file."""

    path: str


@dataclass(frozen=True)
class DeleteFolder:
    """Remove everything below this folder."""

    path: str  # without a trailing slash


@dataclass(frozen=True)
class CopyFile:
    """Put the file found at `src_path` of `src_revision` (None: the branch) of the same repo here."""

    path: str
    src_path: str
    src_revision: str | None = None


FileChange = AddFile | DeleteFile | DeleteFolder | CopyFile


@dataclass(frozen=True)
class UpstreamCommit:
    """Identity of a mirrored commit: its id there, and the object itself where we could fetch it."""

    oid: str
    raw: bytes | None  # body of the git commit object; None: the id is upstream's word
    title: str
    message: str
    author_name: str
    author_email: str
    committed_at: datetime
