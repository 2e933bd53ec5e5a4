"""Inputs to a node: whole, or from an offset on, which is how an interrupted fetch goes on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from catalog.hub_api.serving import DOWNLOAD_TYPE, FileSlice, SliceResponse

_RANGE: Final = re.compile(r"bytes=(\d{1,18})-(\d{1,18})?", re.ASCII)


def send(request: HttpRequest, path: Path) -> HttpResponseBase:
    """The file, by sendfile; one range is understood, anything else gives all of it."""
    size = path.stat().st_size
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    first = int(found[1]) if found else 0
    last = min(int(found[2]), size - 1) if found and found[2] else size - 1
    if found and first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    length = last - first + 1
    response = SliceResponse(FileSlice(path, first, length), status=206 if found else 200, content_type=DOWNLOAD_TYPE)
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    if found:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response
