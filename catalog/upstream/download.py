"""Fetching one file in ranges, so that a broken transfer goes on where it stopped (mirror-sources 0)."""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
from django.utils.translation import gettext as _

from catalog.errors import Busy, SizeMismatch, UpstreamUnavailable
from catalog.upstream.base import Partial
from catalog.upstream.http import UpstreamClient

PIECE = 2**20  # bytes read at once
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class PartialFile:
    """Bytes of one file so far, in a folder of ours; found again by what is being fetched.

    The content is only ever trusted after its hashes were checked, so the file needs no fsync.
    """

    def __init__(self, folder: Path, key: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / sha256(key.encode()).hexdigest()
        self._file = self.path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a worker whose lease ran out is still at it
            self._file.close()
            raise Busy(_("Another worker is still writing this file.")) from None
        self._note = self.path.with_suffix(".etag")
        self.validator = self._note.read_text() if self._note.exists() else ""
        self.size = self._file.tell()

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)

    def restart(self, validator: str) -> None:
        self._file.truncate(0)
        self.size = 0
        self.validator = validator
        self._note.write_text(validator)

    def close(self) -> None:
        self._file.close()

    def drop(self) -> None:
        """Forget these bytes: they are in the store now, or were wrong."""
        self.close()
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def sweep_partials(folder: Path, *, older_than_seconds: float) -> int:
    """Remove what syncs left that nobody goes on with; returns how many files."""
    deadline = time.time() - older_than_seconds
    old = [path for path in folder.glob("*") if path.stat().st_mtime < deadline] if folder.exists() else []
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def read_ranged(client: UpstreamClient, url: str, *, size: int, partial: Partial) -> Iterator[int]:
    """Completes `partial` to `size` bytes, yielding the length of each piece that arrives.

    Raises:
        SizeMismatch: the source sends more than it listed.
        UpstreamUnavailable: the transfer broke; `partial` keeps what came, call again.
        UpstreamRefused, UpstreamNotAllowed: as `UpstreamClient.open`.
    """
    if partial.size > size:
        partial.restart("")
    if partial.size == size:
        return
    headers = {}
    if partial.size and partial.validator:
        headers = {"range": f"bytes={partial.size}-", "if-range": partial.validator}
    with client.open(url, headers=headers) as answer:
        if not _continues(answer, at=partial.size):
            partial.restart(_validator(answer))
        if answer.status_code != 416:
            yield from _receive(answer, size=size, partial=partial)
    if partial.size != size:
        raise UpstreamUnavailable(
            _("the transfer ended after %(size)s of %(size2)s bytes") % {"size": partial.size, "size2": size}
        )


def _receive(answer: httpx.Response, *, size: int, partial: Partial) -> Iterator[int]:
    for piece in answer.iter_raw():  # as it arrives: a larger buffer would lose what a broken transfer brought
        if partial.size + len(piece) > size:
            raise SizeMismatch(_("the source sends more than the %(size)s bytes it listed") % {"size": size})
        partial.append(piece)
        yield len(piece)


def _continues(answer: httpx.Response, *, at: int) -> bool:
    """Whether the answer goes on exactly at byte `at` of the same content."""
    if answer.status_code != 206:
        return False
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
    return found is not None and int(found[1]) == at


def _validator(answer: httpx.Response) -> str:
    """Returns a strong ETag or the Last-Modified date, usable in If-Range; "" when there is none."""
    etag: str = answer.headers.get("etag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return str(answer.headers.get("last-modified", ""))
