"""Stored bytes on their way out: headers, single ranges, and who sends the body (decision 6).

The body leaves by the web server's sendfile, by nginx (`SENDFILE=x-accel`) or from object storage by a
signed redirect; Python only names it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, TooManyRequests
from catalog.raw_headers import SAFE_HEADERS
from catalog.storage.base import BlobStore
from catalog.stores import blob_store
from marketplace import load

SIGNED_URL_SECONDS: Final = 300
ACCEL_PREFIX: Final = "/-/blobs"  # nginx: `location /-/blobs/ { internal; alias <storage directory>/blobs/; }`
DOWNLOAD_TYPE: Final = "application/octet-stream"
TEXT_SUFFIXES: Final = (
    *(".txt", ".md", ".json", ".jsonl", ".yaml", ".yml", ".csv", ".tsv", ".py", ".toml", ".ini", ".cfg", ".jinja"),
    *(".gitattributes", ".gitignore"),
)
IMAGE_TYPES: Final = {
    ".png": ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ".jpg": ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ".jpeg": ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ".gif": ("image/gif", re.compile(rb"GIF8[79]a")),
    ".webp": ("image/webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True)
class Content:
    """What one response is about; the bytes themselves stay in the store."""

    sha256: str
    size: int
    etag: str
    path: str  # in the repo; its last part becomes the file name
    is_private: bool

    @property
    def filename(self) -> str:
        return PurePosixPath(self.path).name


class FileSlice:
    """Part of an open file, as sendfile (`fileno`, from its position) and plain reading both understand it."""

    def __init__(self, path: Path, start: int, length: int) -> None:
        self._file = path.open("rb", buffering=0)  # a buffer would move the position sendfile starts from
        self._file.seek(start)
        self._left = length

    def fileno(self) -> int:
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted) or b"" if wanted else b""
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()


class SliceResponse(FileResponse):
    block_size = 256 * 1024  # where the server has no sendfile


def content_response(request: HttpRequest, content: Content, headers: dict[str, str]) -> HttpResponseBase:
    """Returns the answer to a HEAD or GET for this content, conditions and a single range obeyed."""
    response = _conditional(request, content)
    _set(response, {"ETag": f'"{content.etag}"', "Accept-Ranges": "bytes", **SAFE_HEADERS, **headers})
    response["Cache-Control"] = "private, no-store" if content.is_private else "no-cache"
    return response


def small_response(request: HttpRequest, body: bytes, content: Content, headers: dict[str, str]) -> HttpResponseBase:
    """Like `content_response` for a few bytes that no store holds."""
    if _is_known(request, content.etag):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(body, content_type="text/plain; charset=utf-8")
    _set(response, {"ETag": f'"{content.etag}"', **SAFE_HEADERS, **headers})
    response["Cache-Control"] = "private, no-store" if content.is_private else "no-cache"
    return response


def _conditional(request: HttpRequest, content: Content) -> HttpResponseBase:
    if _is_known(request, content.etag):
        return HttpResponse(status=304)
    store = blob_store()
    url = store.signed_url(
        content.sha256,
        filename=content.filename,
        content_type=DOWNLOAD_TYPE,
        expires_seconds=SIGNED_URL_SECONDS,
    )
    if url is not None:
        return _redirect(url, content)
    if request.method == "HEAD":
        return _with_type(_empty(200, content.size), content, is_image=_is_image(store, content))
    span = _span(request, content)
    if span is None:
        return _not_satisfiable(content.size)
    return _with_type(_body(store, request, content, span), content, is_image=_is_image(store, content))


def _redirect(url: str, content: Content) -> HttpResponse:
    response = HttpResponse(status=302)
    _set(response, {"Location": url, "X-Linked-Etag": f'"{content.etag}"', "X-Linked-Size": str(content.size)})
    return response


def _body(store: BlobStore, request: HttpRequest, content: Content, span: tuple[int, int]) -> HttpResponseBase:
    path = store.local_path(content.sha256)
    if path is None:
        raise BlobUnavailable  # a store that signs no addresses has local files
    start, end = span
    is_partial = (start, end) != (0, content.size)
    if settings.SENDFILE == "x-accel":  # nginx answers the range itself
        response: HttpResponseBase = HttpResponse()
        response["X-Accel-Redirect"] = "/".join([ACCEL_PREFIX, *path.parts[-4:]])
        return response
    begin_download(end - start)
    response = SliceResponse(FileSlice(path, start, end - start), status=206 if is_partial else 200)
    response["Content-Length"] = str(end - start)
    if is_partial:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    return response


def begin_download(size: int) -> None:
    """Before this thread sends so many bytes. Raises `TooManyRequests`: clients that fetch files come back for it."""
    if size <= load.LARGE_BYTES:
        return
    try:
        load.of_this_process().begin_transfer()
    except (load.ActorBusyError, load.ServerBusyError):
        raise TooManyRequests(
            _("Too many downloads are under way; this one may begin in a moment."),
            retry_after_seconds=load.RETRY_AFTER_SECONDS,
        ) from None


def _empty(status: int, size: int) -> HttpResponse:
    response = HttpResponse(status=status)
    response["Content-Length"] = str(size)
    return response


def _not_satisfiable(size: int) -> HttpResponse:
    response = HttpResponse(status=416)
    _set(response, {"Content-Range": f"bytes */{size}", "X-Error-Code": "RangeNotSatisfiable"})
    return response


def _span(request: HttpRequest, content: Content) -> tuple[int, int] | None:
    """Returns the bytes to send, end exclusive; None when the range lies behind the end.

    Several ranges, other units and nonsense mean the whole file, as RFC 9110 allows.
    """
    whole = (0, content.size)
    matched = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if matched is None or matched.groups() == ("", ""):
        return whole
    condition = request.headers.get("If-Range", "").strip()
    if condition and condition != f'"{content.etag}"':
        return whole
    first, last = matched[1], matched[2]
    if not first:
        suffix = int(last)
        return (max(0, content.size - suffix), content.size) if suffix and content.size else None
    start = int(first)
    end = min(int(last) + 1, content.size) if last else content.size
    if last and int(last) < start:
        return whole  # not a range at all
    return (start, end) if start < content.size else None


def _is_known(request: HttpRequest, etag: str) -> bool:
    """Whether `If-None-Match` says that the client holds this content."""
    known = request.headers.get("If-None-Match", "")
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return known.strip() == "*" or f'"{etag}"' in tags


def _is_image(store: BlobStore, content: Content) -> bool:
    """Whether the first bytes are those of the image its name promises."""
    kind = IMAGE_TYPES.get(_suffix(content))
    return kind is not None and kind[1].match(store.read_range(content.sha256, 0, 16)) is not None


def _with_type(response: HttpResponseBase, content: Content, *, is_image: bool) -> HttpResponseBase:
    """Shown in place only as plain text or as a checked image; everything else is saved to disk (security 8)."""
    suffix = _suffix(content)
    content_type, verb = DOWNLOAD_TYPE, "attachment"
    if suffix in TEXT_SUFFIXES:
        content_type, verb = "text/plain; charset=utf-8", "inline"
    elif suffix in IMAGE_TYPES and is_image:
        content_type, verb = IMAGE_TYPES[suffix][0], "inline"
    response["Content-Type"] = content_type
    response["Content-Disposition"] = disposition(verb, content.filename)
    return response


def disposition(verb: str, filename: str) -> str:
    """Returns a `Content-Disposition` that no file name can break out of (RFC 6266)."""
    visible = "".join(char for char in filename if char.isprintable() and char not in '"\\')
    plain = visible.encode("ascii", "replace").decode().replace("?", "_").replace("%", "_")
    return f"{verb}; filename*=UTF-8''{quote(visible, safe='')}; filename=\"{plain}\";"


def _suffix(content: Content) -> str:
    name = content.filename.lower()
    return name if name in TEXT_SUFFIXES else os.path.splitext(name)[1]  # noqa: PTH122  no path on our disk


def _set(response: HttpResponseBase, headers: dict[str, Any]) -> None:
    for name, value in headers.items():
        response[name] = value
