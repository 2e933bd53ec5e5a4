"""Requests that are refused before any view sees them: JSON for programs, a page for people."""

from __future__ import annotations

import re
from typing import Final

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from catalog.errors import CatalogError, TooManyRequests
from catalog.pages import errors as pages
from catalog.wording import told

API_PATHS = ("/api/", "/-/", "/node_api/")
PROGRAMS: Final = ("/api/", "/-/", "/v1/", "/v2/", "/node_api/")
RESOLVERS: Final = re.compile(r"/resolve/|/raw/|\.git/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(API_PATHS):
        return pages.bad_request(request, exception)
    return _json(request, *_words_of(exception))


def later(request: HttpRequest, error: CatalogError, seconds: int) -> HttpResponse:
    """429 for too much of one sender, 503 for too much of all, with the time to come back after."""
    if bucket_of(request.path) == "pages":
        response = pages.answer(request, error)
    elif isinstance(error, TooManyRequests):
        response = _json(request, 429, "TooManyRequests", told(error), retry_after_seconds=seconds)
    else:
        response = _json(request, 503, "Busy", told(error), retry_after_seconds=seconds)
    response["Retry-After"] = str(seconds)
    return response


def bucket_of(path: str) -> str:
    """The Hub's names: what programs ask, files, and what people look at."""
    if RESOLVERS.search(path):
        return "resolvers"
    return "api" if path.startswith(PROGRAMS) else "pages"


def _json(request: HttpRequest, status: int, code: str, words: str, **details: int) -> JsonResponse:
    body = {"error": words, "error_code": code, "request_id": request.META.get("REQUEST_ID", ""), "details": details}
    ascii_words = words.encode("ascii", "backslashreplace").decode()
    return JsonResponse(body, status=status, headers={"X-Error-Code": code, "X-Error-Message": ascii_words})


def _words_of(exception: Exception) -> tuple[int, str, str]:
    if isinstance(exception, RequestDataTooBig):
        return 413, "TooLarge", _("The request is larger than this server accepts.")
    if isinstance(exception, DisallowedHost):
        return 400, "UnknownHost", _("This server does not answer to that host name; ALLOWED_HOSTS lists its names.")
    return 400, "BadInput", _("The request is malformed.")
