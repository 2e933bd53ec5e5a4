"""Domain error → what git shows its user: a status and one paragraph of plain text."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from catalog import errors
from catalog.actors import Actor
from catalog.errors import CatalogError

RETRY_AFTER_SECONDS = 2

STATUSES: dict[type[CatalogError], int] = {
    CatalogError: 500,
    errors.BadCredentials: 401,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.SignInAgain: 403,
    errors.IdentityRefused: 403,
    errors.TooManyRequests: 429,
    errors.NotFound: 404,
    errors.BadInput: 400,
    errors.IdempotencyKeyReused: 422,
    errors.InvalidPath: 422,
    errors.TooLarge: 413,
    errors.NameTaken: 409,
    errors.RefExists: 409,
    errors.RefProtected: 403,
    errors.BranchMoved: 412,
    errors.MergeConflict: 409,
    errors.HashMismatch: 422,
    errors.SizeMismatch: 400,
    errors.BlobNotUploaded: 422,
    errors.BlobUnavailable: 503,
    errors.UploadGone: 410,
    errors.StorageFull: 507,
    errors.Busy: 503,
    errors.UpstreamNotAllowed: 400,
    errors.UpstreamRefused: 502,
    errors.UpstreamUnavailable: 503,
    errors.LeaseLost: 409,
    errors.CollectionRefused: 409,
    errors.BackupUnusable: 409,
    errors.NotServed: 501,
}
_FAILED = "The server failed."


def error_response(request: HttpRequest, error: CatalogError, actor: Actor) -> HttpResponse:
    """Returns the answer; missing and gated repos are 401 to strangers, so that git asks who they are."""
    status = status_of(error)
    if isinstance(error, errors.RepoNotFound | errors.GatedRepo) and actor.is_anonymous:
        status = 401
    response = text_response(status, error.message)
    response["X-Error-Code"] = type(error).__name__
    if status == 401:
        response["WWW-Authenticate"] = 'Basic realm="hub"'
    if status in (429, 503):
        response["Retry-After"] = str(error.facts.get("retry_after_seconds", RETRY_AFTER_SECONDS))
    return response


def status_of(error: CatalogError) -> int:
    """Returns the status of the error's class, or of its nearest parent that has one."""
    return next(STATUSES[one] for one in type(error).__mro__ if one in STATUSES)


def failure_response() -> HttpResponse:
    """Returns the answer for a fault of ours; what went wrong stands in the log."""
    return text_response(500, _FAILED)


def text_response(status: int, message: str) -> HttpResponse:
    """Returns plain text, which git prints behind `remote:`."""
    response = HttpResponse(f"{message}\n", status=status, content_type="text/plain; charset=utf-8")
    response["Cache-Control"] = "no-cache, max-age=0, must-revalidate"
    return response
