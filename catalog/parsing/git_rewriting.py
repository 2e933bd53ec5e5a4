"""Commits and tags as bytes, told anew with other trees, parents and targets; all else stays as it was written.

Signatures are left out: they were made over other bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_GONE: Final = (b"tree ", b"parent ", b"gpgsig ", b"gpgsig-sha256 ", b"mergetag ")  # a merged tag names old ids
_SIGNATURE = re.compile(rb"^-----BEGIN (?:PGP|SSH) SIGNATURE-----$.*", re.DOTALL | re.MULTILINE)
_TARGET = re.compile(rb"\Aobject [0-9a-f]{40}\n")


def commit_with(body: bytes, *, tree: str, parents: Iterable[str]) -> bytes:
    """Returns the commit with this tree and these parents."""
    head, blank, message = body.partition(b"\n\n")
    lines = [f"tree {tree}".encode(), *(f"parent {parent}".encode() for parent in parents), *_kept(head)]
    return b"\n".join(lines) + (blank or b"\n\n") + message


def tag_with(body: bytes, *, target: str) -> bytes:
    """Returns the annotated tag, for this commit."""
    return _SIGNATURE.sub(b"", _TARGET.sub(f"object {target}\n".encode(), body))


def _kept(head: bytes) -> Iterator[bytes]:
    is_kept = True
    for line in head.split(b"\n"):
        if not line.startswith(b" "):  # else it continues the header before
            is_kept = not line.startswith(_GONE)
        if is_kept:
            yield line
