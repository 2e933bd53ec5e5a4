"""Refuses at once what would take the last threads: of one actor 429, of all together 503 (security 14, ADR 0015)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from catalog import errors
from marketplace import draining, load, refusals

SENDER: Final = "marketplace.sender"  # who a request counts for, as RateLimits knows
ALWAYS: Final = ("/health/", "/static/")


class Shedding:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(ALWAYS):
            return self.get_response(request)
        here = load.of_this_process()
        try:
            here.enter(request.META.get(SENDER, ""), is_transfer=sends_much(request))
        except load.ActorBusyError:
            return _refused(request, errors.TooManyRequests(_("You have too many requests under way at once.")))
        except load.ServerBusyError:
            return _refused(request, errors.Busy())
        response = self.get_response(request)
        response._resource_closers.append(here.leave)  # type: ignore[attr-defined]  # noqa: SLF001  after the last byte
        return response


def sends_much(request: HttpRequest) -> bool:
    """Whether the body of this request may take a while to arrive."""
    if request.method in ("GET", "HEAD"):
        return False
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        return int(length) > load.LARGE_BYTES
    return "HTTP_TRANSFER_ENCODING" in request.META  # in chunks, however many


def _refused(request: HttpRequest, error: errors.CatalogError) -> HttpResponse:
    draining.dismiss(request)
    return refusals.later(request, error, load.RETRY_AFTER_SECONDS)
