"""What git sends: a stream that may be gzipped and have no announced length."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _

from catalog.errors import BadInput, SizeMismatch

PIECE_BYTES: Final = 256 * 1024
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Body:
    """The body of a request, inflated where it came gzipped; never more in memory than was asked for."""

    def __init__(self, request: HttpRequest) -> None:
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise BadInput(_("the content encoding %(encoding)r is not known here") % {"encoding": encoding})
        self._source = _source_of(request)
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB) if "gzip" in encoding else None

    def read(self, size: int, /) -> bytes:
        """Returns exactly this many bytes; fewer only at the end."""
        kept = bytearray()
        while len(kept) < size and (piece := self._piece(size - len(kept))):
            kept += piece
        return bytes(kept)

    def read_some(self) -> bytes:
        """Returns what comes next, nothing at the end."""
        return self._piece(PIECE_BYTES)

    def _piece(self, most: int) -> bytes:
        if self._inflater is None:
            return self._arrived(most)
        while not self._inflater.eof:
            deflated = self._inflater.unconsumed_tail or self._arrived(PIECE_BYTES)
            if not deflated:
                raise SizeMismatch(_("the gzipped body ended too early"))
            try:
                piece = self._inflater.decompress(deflated, most)
            except zlib.error:
                raise BadInput(_("the body is not gzipped properly")) from None
            if piece:
                return piece
        return b""

    def _arrived(self, most: int) -> bytes:
        try:
            return self._source.read(most)
        except (UnreadablePostError, OSError):
            raise SizeMismatch(_("the connection broke before the whole body had arrived")) from None


def _source_of(request: HttpRequest) -> _Source:
    """Django takes a body without announced length (chunked, as git sends packs) for empty; the server knows better."""
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        source: _Source = request.META["wsgi.input"]
        return source
    return request
