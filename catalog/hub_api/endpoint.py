"""One way into every view of this face: method → who → act → errors told the Hub's way."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from catalog import actors
from catalog.actors import ANONYMOUS, Actor
from catalog.errors import Busy, CatalogError
from catalog.hub_api.bodies import drain
from catalog.hub_api.errors import error_response, failure_response, method_response
from marketplace.middleware import is_busy

logger = logging.getLogger(__name__)

Handler = Callable[..., HttpResponseBase]
View = Callable[..., HttpResponseBase]
SAFE_METHODS = ("GET", "HEAD")


def endpoint(authenticate: Callable[[HttpRequest], Actor] | None = None, **handlers: Handler) -> View:
    """Returns a view that calls `handlers[method](request, actor, **url_parts)`; HEAD falls back to GET.

    Methods that change state know tokens alone, never cookies, which is why no CSRF check is due (security 1.4).

    Args:
        authenticate: another way to know the actor, for URLs that carry their own signature.
    """
    allowed = [*handlers, "HEAD"] if "GET" in handlers and "HEAD" not in handlers else [*handlers]

    @csrf_exempt
    def view(request: HttpRequest, **parts: str) -> HttpResponseBase:
        method = request.method or ""
        handler = handlers.get(method) or (handlers.get("GET") if method == "HEAD" else None)
        if handler is None:
            return method_response(request, allowed)
        actor = ANONYMOUS
        try:
            actor = authenticate(request) if authenticate else _actor(request)
            return handler(request, actor, **parts)
        except CatalogError as error:
            return _refused(request, error, actor)
        except Exception as problem:
            if is_busy(problem):
                return _refused(request, Busy(), actor)
            logger.exception("hub api: %s failed", getattr(handler, "__name__", "handler"))
            return failure_response(request)

    return view


def on_any_method(handler: Handler, authenticate: Callable[[HttpRequest], Actor] | None = None) -> View:
    """For what is answered alike however it is asked."""
    return endpoint(authenticate, GET=handler, POST=handler, PUT=handler, PATCH=handler, DELETE=handler)


def anyone(request: HttpRequest) -> Actor:
    """For routes that are the same to everybody, or whose address is the credential."""
    return ANONYMOUS


def _actor(request: HttpRequest) -> Actor:
    return actors.actor_of(request) if request.method in SAFE_METHODS else actors.token_actor_of(request)


def _refused(request: HttpRequest, error: CatalogError, actor: Actor) -> HttpResponseBase:
    # A client still sending would see a broken connection instead of our answer.
    drain(request, trusted=not actor.is_anonymous)
    return error_response(request, error, actor)
