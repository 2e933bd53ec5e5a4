"""Requests with an `Idempotency-Key`: bound to who asks, what, where and with which body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from catalog import actors
from catalog.actions import idempotency
from catalog.actions.idempotency import Answer
from catalog.errors import BadCredentials, CatalogError
from catalog.models import KeptAnswer
from catalog.rest_api.v1.errors import RETRY_AFTER_SECONDS, STATUSES
from catalog.wording import told

KEPT_HEADERS: Final = ("Content-Type", "X-Error-Code", "Location", "Cache-Control")


def answered_once(request: HttpRequest, act: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Returns what `act` answers, or what it answered to the same request before."""
    try:
        user = actors.actor_of(request).user
        body = request.body
    except (BadCredentials, RequestDataTooBig, UnreadablePostError):
        return act()  # which says what is wrong
    if user is None:
        return act()
    key = request.headers["Idempotency-Key"]
    try:
        begun = idempotency.begin(
            user=user, key=key, method=request.method or "", address=request.get_full_path(), body=body
        )
    except CatalogError as error:
        return _refused(request, error)
    return _again(begun) if isinstance(begun, Answer) else _first(begun, act)


def _first(kept: KeptAnswer, act: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        response = act()
        if isinstance(response, Response):
            response.render()
    except BaseException:
        idempotency.forget(kept)
        raise
    if not isinstance(response, HttpResponse):
        idempotency.forget(kept)
        return response
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    idempotency.finish(kept, Answer(response.status_code, headers, response.content))
    return response


def _again(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    response["Idempotent-Replayed"] = "true"
    return response


def _refused(request: HttpRequest, error: CatalogError) -> JsonResponse:
    status = next(STATUSES[one] for one in type(error).__mro__ if one in STATUSES)
    code = type(error).__name__
    body = {"error": told(error), "error_code": code, "request_id": request.META.get("REQUEST_ID", ""), "details": {}}
    response = JsonResponse(body, status=status, headers={"X-Error-Code": code})
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
