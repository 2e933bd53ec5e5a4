"""What goes wrong, as pages: a domain error becomes a status and a page that says what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import urlencode

from catalog import errors, links
from catalog.wording import told
from marketplace.middleware import is_busy

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
Statuses = Mapping[type[errors.CatalogError], int]

STATUSES: Statuses = {
    errors.CatalogError: 400,
    errors.BadCredentials: 401,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.SignInAgain: 403,
    errors.MirrorIsReadOnly: 403,
    errors.GatedRepo: 403,
    errors.IdentityRefused: 403,
    errors.TooManyRequests: 429,
    errors.NotFound: 404,
    errors.RepoMoved: 404,
    errors.BadInput: 400,
    errors.IdempotencyKeyReused: 422,
    errors.InvalidPath: 400,
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
    errors.UpstreamUnavailable: 502,
    errors.LeaseLost: 409,
    errors.NotServed: 501,
}

# Only pages are packed: files leave as they are, and this adds random padding against BREACH.
_packing = GZipMiddleware(lambda _request: HttpResponse())


def page(view: View[P]) -> View[P]:
    """Decorates every view of the catalogue's pages: domain errors become pages, caches keep nothing shared."""
    return page_with(STATUSES)(view)


def page_with(statuses: Statuses) -> Callable[[View[P]], View[P]]:
    """Like `page`, for an app that knows more errors."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def answering(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            try:
                response = view(request, *args, **kwargs)
            except errors.CatalogError as error:
                response = answer(request, error, statuses)
            except OperationalError as error:
                if not is_busy(error):
                    raise
                response = _busy(request, statuses)
            response = _packing.process_response(request, response)
            patch_cache_control(response, private=True, no_cache=True)
            patch_vary_headers(response, ["Cookie", "HX-Request-Type"])
            return response

        return answering

    return decorate


def answer(request: HttpRequest, error: errors.CatalogError, statuses: Statuses = STATUSES) -> HttpResponse:
    """The page for a domain error; whoever only has to sign in is taken there."""
    if elsewhere := _elsewhere(request, error):
        return elsewhere
    status = status_of(error, statuses)
    if _wants_part(request):
        return render(request, "errors/part.html", {"words": told(error), "request_id": _id_of(request)}, status=status)
    if status == 404:
        return missing(request, _words_for_missing(error))
    shown = {"error": error, "words": told(error), "status": status, "request_id": _id_of(request)}
    name = "errors/refused.html" if status in {401, 403} else "errors/problem.html"
    response = render(request, name, shown, status=status)
    if status in {429, 503}:
        response["Retry-After"] = str(error.facts.get("retry_after_seconds", 5))
    return response


def _elsewhere(request: HttpRequest, error: errors.CatalogError) -> HttpResponse | None:
    """Where this error is mended: the sign-in, the new address, the gate."""
    if isinstance(error, errors.NotSignedIn) and request.method == "GET":
        return redirect(f"/login?{urlencode({'next': request.get_full_path()})}")
    if isinstance(error, errors.SignInAgain) and not _wants_part(request):
        return redirect(f"/login?{urlencode({'again': 'yes', 'next': str(error.facts.get('back', '/'))})}")
    if isinstance(error, errors.RepoMoved) and (location := links.moved(request.get_full_path(), error)):
        return _temporary(location)
    if isinstance(error, errors.GatedRepo) and request.method == "GET" and not _wants_part(request):
        return redirect(str(error.facts.get("access_path", "/")))
    return None


def _temporary(location: str) -> HttpResponse:
    """307: an old name may be used again one day, so browsers must not remember this for good."""
    response = HttpResponse(status=307)
    response["Location"] = location
    return response


def status_of(error: errors.CatalogError, statuses: Statuses = STATUSES) -> int:
    return next(statuses[cls] for cls in type(error).__mro__ if cls in statuses)


def missing(request: HttpRequest, words: str = "") -> HttpResponse:
    """404, the same for what is absent and for what this person may not see."""
    return render(request, "errors/404.html", {"words": words}, status=404)


def _words_for_missing(error: errors.CatalogError) -> str:
    """What exactly is missing, where telling it tells nothing secret: the repo around it is readable."""
    is_told = isinstance(error, (errors.EntryNotFound, errors.RevisionNotFound))
    return told(error) if is_told else ""


# --- Django's own: named in marketplace/urls.py ---------------------------------------------------


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return missing(request)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, errors.NotAllowed(str(exception)))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, errors.BadInput())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "errors/csrf.html", status=403)


def _busy(request: HttpRequest, statuses: Statuses) -> HttpResponse:
    try:
        return answer(request, errors.Busy(), statuses)
    except OperationalError:  # the database is away altogether: it cannot even say who is signed in
        response = server_error(request)
        response.status_code = 503
        response["Retry-After"] = "5"
        return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without the request: whatever broke (the database, say) must not break this page, too."""
    shown: dict[str, Any] = {
        "site_name": settings.SITE_NAME,
        "request_id": _id_of(request),
        "retry_url": request.path if request.method == "GET" else "/",
    }
    name = "errors/part.html" if _wants_part(request) else "errors/500.html"
    return HttpResponse(render_to_string(name, shown), status=500)


def _wants_part(request: HttpRequest) -> bool:
    """Whether a script asks for a piece of a page: it gets the same words in a box."""
    return request.headers.get("HX-Request-Type") == "partial"


def _id_of(request: HttpRequest) -> str:
    return str(request.META.get("REQUEST_ID", ""))
