"""One or several ranges of one body in one answer (RFC 9110, 14): clients may ask for parts of a xorb together."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from catalog.hub_api.serving import DOWNLOAD_TYPE, begin_download

Span = tuple[int, int]  # from, to (exclusive)

MOST_RANGES: Final = 64
_RANGES: Final = re.compile(rf"bytes=\d{{1,18}}-\d{{0,18}}(?:,\d{{1,18}}-\d{{0,18}}){{0,{MOST_RANGES - 1}}}", re.ASCII)


def spans_of(header: str, size: int) -> list[Span]:
    """The ranges asked for, as far as they lie within `size`; none: 416.

    Everything, as if there was no header, when it is malformed or asks for more than there is, such as overlaps.
    """
    wanted = header.replace(" ", "")
    if not _RANGES.fullmatch(wanted):
        return [(0, size)]
    found = []
    for one in wanted.removeprefix("bytes=").split(","):
        first, _, last = one.partition("-")
        start, end = int(first), min(int(last) + 1, size) if last else size
        if start < end:
            found.append((start, end))
    return found if sum(end - start for start, end in found) <= size else [(0, size)]


def partial(header: str, size: int, content: Callable[[int, int], Iterator[bytes]]) -> HttpResponseBase:
    """The answer to a request with this `Range`.

    Args:
        content: yields the bytes from its first argument to its second (exclusive).
    """
    spans = spans_of(header, size)
    begin_download(sum(end - start for start, end in spans))
    if not spans:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
    elif len(spans) == 1:
        ((start, end),) = spans
        response = StreamingHttpResponse(content(start, end), status=206, content_type=DOWNLOAD_TYPE)
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        response["Content-Length"] = str(end - start)
    else:
        response = _multipart(spans, size, content)
    return response


def _multipart(spans: list[Span], size: int, content: Callable[[int, int], Iterator[bytes]]) -> HttpResponseBase:
    boundary = secrets.token_hex(16)
    opening = f"\r\n--{boundary}\r\nContent-Type: {DOWNLOAD_TYPE}\r\nContent-Range: bytes "
    heads = [f"{opening}{start}-{end - 1}/{size}\r\n\r\n".encode() for start, end in spans]
    tail = f"\r\n--{boundary}--\r\n".encode()

    def body() -> Iterator[bytes]:
        for head, (start, end) in zip(heads, spans, strict=True):
            yield head
            yield from content(start, end)
        yield tail

    response = StreamingHttpResponse(body(), status=206, content_type=f"multipart/byteranges; boundary={boundary}")
    length = sum(end - start for start, end in spans) + sum(map(len, heads)) + len(tail)
    response["Content-Length"] = str(length)
    return response
