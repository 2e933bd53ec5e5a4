"""Requests that Django refuses before any view sees them: JSON for programs, a page for people."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from catalog.pages import errors as pages

API_PATHS = ("/api/", "/-/", "/node_api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path.startswith(API_PATHS):
        return pages.bad_request(request, exception)
    status, code, words = _told(exception)
    body = {"error": words, "error_code": code, "request_id": request.META.get("REQUEST_ID", ""), "details": {}}
    return JsonResponse(body, status=status, headers={"X-Error-Code": code, "X-Error-Message": words})


def _told(exception: Exception) -> tuple[int, str, str]:
    if isinstance(exception, RequestDataTooBig):
        return 413, "TooLarge", _("The request is larger than this server accepts.")
    if isinstance(exception, DisallowedHost):
        return 400, "UnknownHost", _("This server does not answer to that host name; ALLOWED_HOSTS lists its names.")
    return 400, "BadInput", _("The request is malformed.")
