"""Fragments that a page asks for every two seconds: unchanged ones cost an empty 304 and no swap."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils import timezone


def etag_of(*state: object) -> str:
    """Names what a fragment shows. The minute is part of it, so that "3 minutes ago" stays true."""
    minute = timezone.now().replace(second=0, microsecond=0)
    return hashlib.sha256(repr((state, minute)).encode()).hexdigest()[:32]


def fragment(request: HttpRequest, template: str, shown: dict[str, Any], etag: str) -> HttpResponse:
    """The fragment, which carries its own etag into the next request; 304 when the reader has it."""
    if etag in request.headers.get("If-None-Match", ""):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = render(request, template, shown | {"etag": etag})
    response["ETag"] = f'"{etag}"'
    return response
