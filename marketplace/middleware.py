"""Around every request: an id, honest client addresses, a clear answer when the database is busy."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Final

import psycopg
from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from psycopg import errors as pg

from catalog.tokens import is_well_formed
from marketplace import health, logs, metrics
from marketplace.env import Network

GetResponse = Callable[[HttpRequest], HttpResponseBase]
TOKEN: Final = re.compile(r"(?:hf|node)_[0-9A-Za-z]{40}", re.ASCII)
SANE_TRACE_ID = re.compile(r"[A-Za-z0-9=;:,._-]{1,128}")


class RequestIds:
    """Every answer carries X-Request-Id: the one that came, or one of ours with the trace id that came.

    Neither is taken from a client when it is not harmless. The log has ours, too, which nobody can make up.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        own = uuid.uuid4().hex
        chosen, traced = (request.headers.get(name, "") for name in ("X-Request-Id", "X-Amzn-Trace-Id"))
        sent = next((one for one in (chosen, traced) if SANE_TRACE_ID.fullmatch(one)), "")
        logged = f"{own};{sent}" if sent else own
        request_id = sent if sent and sent == chosen else logged
        request.META["REQUEST_ID"] = request_id
        token = logs.request_id.set(logged)
        try:
            response = self.get_response(request)
        finally:
            logs.request_id.reset(token)
        response["X-Request-Id"] = request_id
        return response


class ForwardedHeaders:
    """X-Forwarded-* counts when a trusted proxy says so, and is dropped when anyone else does."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        if _is_trusted(meta.get("REMOTE_ADDR", "")):
            hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
            # From the right: the first hop that is not ours is the client as far as we can know.
            meta["REMOTE_ADDR"] = next((hop for hop in reversed(hops) if not _is_trusted(hop)), meta["REMOTE_ADDR"])
        else:
            for name in [name for name in meta if name.startswith("HTTP_X_FORWARDED_")]:
                del meta[name]
        return self.get_response(request)


def _is_trusted(address: str) -> bool:
    return _is_in(address, settings.TRUSTED_PROXIES)


def _is_in(address: str, networks: Iterable[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


class TokensInAddresses:
    """An access token belongs into a header: addresses end up in logs, histories and Referers (security 11)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if "_" in query and any(is_well_formed(found) for found in TOKEN.findall(query)):
            words = _("An access token stood in the address. Send it in the Authorization header, and revoke this one.")
            body = {"error": words, "error_code": "TokenInAddress", "request_id": request.META.get("REQUEST_ID", "")}
            headers = {"X-Error-Code": "TokenInAddress", "Cache-Control": "no-store"}
            return JsonResponse({**body, "details": {}}, status=400, headers=headers)
        return self.get_response(request)


class BlockedNetworks:
    """Nobody from these networks gets an answer, whatever credentials they hold."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.BLOCKED_NETWORKS and _is_in(request.META.get("REMOTE_ADDR", ""), settings.BLOCKED_NETWORKS):
            words = _("This network may not use this site.")
            body = {"error": words, "error_code": "NetworkBlocked", "request_id": request.META.get("REQUEST_ID", "")}
            return JsonResponse({**body, "details": {}}, status=403, headers={"X-Error-Code": "NetworkBlocked"})
        return self.get_response(request)


class Metrics:
    """Before anybody takes the word of a proxy: `/metrics` is for who comes from our own networks directly."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/metrics" and metrics.is_internal(request):
            return metrics.metrics(request)
        return self.get_response(request)


class Health:
    """Probes know an address, not our names: /health/ answers to any host, before the names are checked."""

    VIEWS: Final = {"/health/live": health.live, "/health/ready": health.ready}

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.VIEWS.get(request.path)
        return view(request) if view else self.get_response(request)


class BusyDatabase:
    """A statement or a lock that took too long is 503 with Retry-After, not an error of ours."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_busy(exception):
            return None
        return JsonResponse(
            {
                "error": _("The server is busy. Try again in a moment."),
                "error_code": "Busy",
                "request_id": request.META.get("REQUEST_ID", ""),
                "details": {},
            },
            status=503,
            headers={"Retry-After": "2", "X-Error-Code": "Busy"},
        )


PASSING: Final = (
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.DeadlockDetected,
    pg.SerializationFailure,
    pg.TooManyConnections,
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
)


def is_busy(exception: BaseException) -> bool:
    """Whether PostgreSQL gave up waiting: faces with error answers of their own ask here too."""
    cause = exception.__cause__
    if not isinstance(exception, OperationalError) or not isinstance(cause, psycopg.OperationalError):
        return False
    return cause.sqlstate is None or isinstance(cause, PASSING)  # without a state: there is no connection
