"""Domain error → status and `{"error", "error_code", "request_id", "details"}`, the one shape of both API faces.

`error_code` (also in X-Error-Code) is the name of the error's class. Evaluation's views use the same
handler with a longer table: `ApiView.statuses`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import actors, errors, links
from catalog.errors import CatalogError
from catalog.wording import told
from marketplace.middleware import is_busy

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 2
LONGEST_HEADER_MESSAGE: Final = 500  # characters
Statuses = Mapping[type[CatalogError], int]

STATUSES: Final[dict[type[CatalogError], int]] = {
    CatalogError: 500,
    errors.BadCredentials: 401,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.SignInAgain: 403,
    errors.MirrorIsReadOnly: 403,
    errors.GatedRepo: 403,
    errors.IdentityRefused: 403,
    errors.TooManyRequests: 429,
    errors.NotFound: 404,
    errors.RepoNotFound: 404,
    errors.RepoMoved: 404,
    errors.RevisionNotFound: 404,
    errors.EntryNotFound: 404,
    errors.BadInput: 400,
    errors.IdempotencyKeyReused: 422,
    errors.InvalidName: 400,
    errors.InvalidReference: 400,
    errors.InvalidCursor: 400,
    errors.BadMetadata: 400,
    errors.InvalidXorb: 400,
    errors.InvalidShard: 400,
    errors.InvalidPath: 422,
    errors.TooLarge: 413,
    errors.QuotaExceeded: 413,
    errors.NameTaken: 409,
    errors.RefExists: 409,
    errors.RefProtected: 403,
    errors.BranchMoved: 412,
    errors.MergeConflict: 409,
    errors.HashMismatch: 422,
    errors.SizeMismatch: 422,
    errors.BlobNotUploaded: 422,
    errors.BlobUnavailable: 503,
    errors.UploadGone: 410,
    errors.StorageFull: 507,
    errors.Busy: 503,
    errors.UpkeepBusy: 503,
    errors.CollectionRefused: 409,
    errors.BackupUnusable: 409,
    errors.UpstreamNotAllowed: 400,
    errors.UpstreamRefused: 502,
    errors.UpstreamUnavailable: 503,
    errors.LeaseLost: 409,
    errors.NotServed: 501,
}
# What the framework raises itself, in our words.
_FRAMEWORK_CODES: Final[dict[type[exceptions.APIException], str]] = {
    exceptions.ValidationError: "BadInput",
    exceptions.ParseError: "BadInput",
    exceptions.NotAuthenticated: "NotSignedIn",
    exceptions.AuthenticationFailed: "BadCredentials",
    exceptions.PermissionDenied: "NotAllowed",
}


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Returns the answer for anything a view may raise; what we did not foresee goes to the log, not out."""
    request: Request = context["request"]
    if is_busy(error):
        error = errors.Busy()
    elif isinstance(error, Http404):
        error = errors.NotFound()
    elif isinstance(error, PermissionDenied):
        error = errors.NotAllowed()
    elif isinstance(error, RequestDataTooBig):
        error = errors.TooLarge()
    if isinstance(error, CatalogError):
        return _domain_error(context, error)
    if isinstance(error, exceptions.APIException):
        return _framework_error(context, error)
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return error_response(
        context, 500, "ServerError", _("The server failed. Quote the request id when you report this.")
    )


def error_response(
    context: Mapping[str, Any], status: int, code: str, message: str, facts: Mapping[str, object] | None = None
) -> Response:
    """Returns an error in its one shape. `context` is DRF's, of the view that failed."""
    body = {
        "error": message,
        "error_code": code,
        "request_id": context["request"].META.get("REQUEST_ID", ""),
        "details": {name: value if _is_plain(value) else str(value) for name, value in (facts or {}).items()},
    }
    response = Response(body, status=status)
    response["X-Error-Code"] = code
    response["X-Error-Message"] = _one_line(message)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if status in {429, 503}:
        response["Retry-After"] = str((facts or {}).get("retry_after_seconds", RETRY_AFTER_SECONDS))
    return response


def _domain_error(context: Mapping[str, Any], error: CatalogError) -> Response:
    statuses: Statuses = getattr(context["view"], "statuses", STATUSES)
    status = next(statuses[known] for known in type(error).__mro__ if known in statuses)
    if isinstance(error, errors.RepoMoved) and (location := links.moved(context["request"].get_full_path(), error)):
        response = error_response(context, 307, type(error).__name__, told(error), error.facts)
        response["Location"] = location
        return response
    if isinstance(error, (errors.RepoNotFound, errors.GatedRepo)) and _is_stranger(context["request"]):
        status = 401  # absent, or a sign-in away: the answer is the same (security 1.2)
    return error_response(context, status, type(error).__name__, told(error), error.facts)


def _framework_error(context: Mapping[str, Any], error: exceptions.APIException) -> Response:
    code = _FRAMEWORK_CODES.get(type(error), type(error).__name__)
    if isinstance(error, exceptions.ValidationError):
        return error_response(context, 400, code, _("Some fields are not valid."), {"fields": error.detail})
    is_about_sign_in = isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed)
    return error_response(context, 401 if is_about_sign_in else error.status_code, code, str(error.detail))


def _is_stranger(request: Request) -> bool:
    try:
        return actors.actor_of(request._request).is_anonymous  # noqa: SLF001  DRF's name for Django's request
    except errors.BadCredentials:
        return True


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(_is_plain(item) for item in value.values())
    return value is None or isinstance(value, str | int | float | bool)


def _one_line(message: str) -> str:
    text = "".join(char if char.isprintable() else " " for char in message[:LONGEST_HEADER_MESSAGE])
    return text.encode("ascii", "backslashreplace").decode()
