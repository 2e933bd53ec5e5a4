"""One way into every view of this face: node token → act → errors as JSON. Cookies count for nothing here."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from catalog import errors
from catalog.errors import CatalogError
from evaluation.actions import nodes
from evaluation.benchmarks.corpora import DataUnavailable
from evaluation.errors import BadNodeToken, BadOutput, EvaluationError, RunLeaseLost, RunNotFound
from evaluation.models import Node
from marketplace.middleware import is_busy

logger = logging.getLogger(__name__)

Handler = Callable[..., HttpResponseBase]

# Nearest class first: what a node can meet, and what it does about it (4xx: give up, 5xx: try again).
STATUSES: dict[type[Exception], int] = {
    BadNodeToken: 401,
    RunLeaseLost: 409,
    RunNotFound: 404,
    BadOutput: 422,
    errors.HashMismatch: 422,
    errors.SizeMismatch: 422,
    errors.TooLarge: 413,
    errors.BadInput: 400,
    errors.NotFound: 404,
    errors.StorageFull: 507,
    errors.BlobUnavailable: 503,
    errors.Busy: 503,
    EvaluationError: 400,
    CatalogError: 400,
    DataUnavailable: 503,
}


@dataclass(frozen=True)
class Grant:
    """What a run-scoped request shows: this node, and the token of the lease it holds."""

    node: Node
    lease_token: uuid.UUID


def for_node(method: str, handler: Handler) -> Handler:
    """A view that calls `handler(request, node, …)`."""
    return _view(method, handler, node_of)


def for_lease(method: str, handler: Handler) -> Handler:
    """A view that calls `handler(request, grant, …)`; the action compares the lease token."""
    return _view(method, handler, grant_of)


def node_of(request: HttpRequest) -> Node:
    """Who asks. Raises `BadNodeToken`."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise BadNodeToken
    return nodes.node_of_token(value.strip())


def grant_of(request: HttpRequest) -> Grant:
    """Raises `BadNodeToken`, or `RunLeaseLost` where X-Run-Lease is no lease token at all."""
    node = node_of(request)
    try:
        return Grant(node, uuid.UUID(request.headers.get("X-Run-Lease", "")))
    except ValueError:
        raise RunLeaseLost from None


def _view(method: str, handler: Handler, authenticate: Callable[[HttpRequest], Node | Grant]) -> Handler:
    allowed = ["GET", "HEAD"] if method == "GET" else [method]

    @csrf_exempt  # tokens alone, never cookies
    def view(request: HttpRequest, **parts: str | int) -> HttpResponseBase:
        if request.method not in allowed:
            return _answer(request, 405, "MethodNotAllowed", f"Use {method} here.")
        try:
            return handler(request, authenticate(request), **parts)
        except (CatalogError, DataUnavailable) as error:
            status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
            return _answer(request, status, type(error).__name__, str(error))
        except Exception as problem:
            if is_busy(problem):
                return _answer(request, 503, "Busy", "The server is busy. Try again in a moment.")
            logger.exception("node api: %s failed", getattr(handler, "__name__", "handler"))
            return _answer(request, 500, "ServerError", "The server failed.")

    return view


def _answer(request: HttpRequest, status: int, code: str, message: str) -> JsonResponse:
    body = {"error": message, "error_code": code, "request_id": request.META.get("REQUEST_ID", ""), "details": {}}
    response = JsonResponse(body, status=status)
    response["X-Error-Code"] = code
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="node"'
    if status == 503:
        response["Retry-After"] = "5"
    return response
