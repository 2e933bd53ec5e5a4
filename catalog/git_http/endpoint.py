"""One way into every view of this face: method → who → act → errors told in words git prints."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from catalog import actors
from catalog.actors import ANONYMOUS, Actor
from catalog.errors import Busy, CatalogError
from catalog.git_http.errors import error_response, failure_response, text_response
from marketplace.draining import drain
from marketplace.middleware import is_busy

logger = logging.getLogger(__name__)

Handler = Callable[..., HttpResponseBase]
DRAINED_BYTES, DRAINED_SECONDS = 4 * 1024 * 1024, 5.0


def endpoint(method: str, handler: Handler) -> Callable[..., HttpResponseBase]:
    """Returns a view that calls `handler(request, actor, **url_parts)`. Cookies count nowhere in this face."""

    @csrf_exempt
    def view(request: HttpRequest, **parts: str) -> HttpResponseBase:
        actor = ANONYMOUS
        if request.method != method:
            response = text_response(405, f"Use {method} here.")
            response["Allow"] = method
            return response
        try:
            actor = actors.token_actor_of(request)
            return handler(request, actor, **parts)
        except CatalogError as error:
            return _refused(request, error, actor)
        except Exception as problem:
            if is_busy(problem):
                return _refused(request, Busy(), actor)
            logger.exception("git: %s failed", getattr(handler, "__name__", "handler"))
            return failure_response()

    return view


def _refused(request: HttpRequest, error: CatalogError, actor: Actor) -> HttpResponseBase:
    """Git sends its whole body before it listens: what it still has to say is read, within reason."""
    drain(request, request.read, most_bytes=DRAINED_BYTES, most_seconds=DRAINED_SECONDS)
    return error_response(request, error, actor)
