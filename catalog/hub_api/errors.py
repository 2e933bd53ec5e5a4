"""Domain error → what the Hub's clients understand: status, `X-Error-Code`, `X-Error-Message`, JSON body."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.http import HttpRequest, JsonResponse

from catalog import errors, links
from catalog.actors import Actor
from catalog.errors import CatalogError
from catalog.wording import told

LONGEST_HEADER_MESSAGE = 500  # characters
RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True)
class Answer:
    """How one class of error is told; `message` replaces the error's own where clients match on the text."""

    status: int
    code: str
    message: str = ""


ANSWERS: dict[type[CatalogError], Answer] = {
    CatalogError: Answer(500, "ServerError", "The server failed."),
    errors.BadCredentials: Answer(401, "BadCredentials", "Invalid credentials in Authorization header"),
    errors.NotSignedIn: Answer(401, "NotSignedIn"),
    errors.NotAllowed: Answer(403, "NotAllowed"),
    errors.SignInAgain: Answer(403, "SignInAgain"),
    errors.MirrorIsReadOnly: Answer(403, "MirrorIsReadOnly"),
    errors.GatedRepo: Answer(403, "GatedRepo"),
    errors.IdentityRefused: Answer(403, "IdentityRefused"),
    errors.TooManyRequests: Answer(429, "TooManyRequests"),
    errors.NotFound: Answer(404, "NotFound"),
    errors.RepoNotFound: Answer(404, "RepoNotFound", "Repository not found"),
    errors.RepoMoved: Answer(404, "RepoNotFound", "Repository not found"),
    errors.RevisionNotFound: Answer(404, "RevisionNotFound"),
    errors.EntryNotFound: Answer(404, "EntryNotFound"),
    errors.BadInput: Answer(400, "BadInput"),
    errors.IdempotencyKeyReused: Answer(422, "IdempotencyKeyReused"),
    errors.InvalidName: Answer(400, "InvalidName"),
    errors.InvalidReference: Answer(400, "InvalidReference"),
    errors.InvalidCursor: Answer(400, "InvalidCursor"),
    errors.BadMetadata: Answer(400, "BadMetadata"),
    errors.InvalidXorb: Answer(400, "InvalidXorb"),
    errors.InvalidShard: Answer(400, "InvalidShard"),
    errors.InvalidPath: Answer(422, "InvalidPath"),
    errors.TooLarge: Answer(413, "TooLarge"),
    errors.QuotaExceeded: Answer(413, "QuotaExceeded"),
    errors.NameTaken: Answer(409, "NameTaken"),
    errors.RefExists: Answer(409, "RefExists"),
    errors.RefProtected: Answer(403, "RefProtected"),
    errors.BranchMoved: Answer(412, "BranchMoved"),
    errors.MergeConflict: Answer(409, "MergeConflict"),
    errors.HashMismatch: Answer(422, "HashMismatch"),
    errors.SizeMismatch: Answer(422, "SizeMismatch"),
    errors.BlobNotUploaded: Answer(422, "BlobNotUploaded"),
    errors.BlobUnavailable: Answer(503, "BlobUnavailable"),
    errors.UploadGone: Answer(410, "UploadGone"),
    errors.StorageFull: Answer(507, "StorageFull"),
    errors.Busy: Answer(503, "Busy"),
    errors.UpkeepBusy: Answer(503, "UpkeepBusy"),
    errors.CollectionRefused: Answer(409, "CollectionRefused"),
    errors.BackupUnusable: Answer(409, "BackupUnusable"),
    errors.UpstreamNotAllowed: Answer(400, "UpstreamNotAllowed"),
    errors.UpstreamRefused: Answer(502, "UpstreamRefused"),
    errors.UpstreamUnavailable: Answer(503, "UpstreamUnavailable"),
    errors.LeaseLost: Answer(409, "LeaseLost"),
    errors.NotServed: Answer(501, "NotServed"),
}
_SERVER_FAILED = ANSWERS[CatalogError]


def error_response(request: HttpRequest, error: CatalogError, actor: Actor) -> JsonResponse:
    """Returns the answer for this error; a missing repo is 401 to strangers, 404 to people (security 1.2)."""
    answer = answer_for(error)
    if isinstance(error, errors.RepoMoved) and (location := links.moved(request.get_full_path(), error)):
        return _moved(request, location)
    if actor.is_anonymous and isinstance(error, (errors.RepoNotFound, errors.GatedRepo)):
        answer = replace(answer, status=401)
    status = answer.status
    response = _json(request, status, answer.code, answer.message or told(error), error.facts)
    if isinstance(error, errors.EntryNotFound) and error.facts.get("commit"):
        response["X-Repo-Commit"] = str(error.facts["commit"])  # lets clients remember the absence
    if status in (429, 503):
        response["Retry-After"] = str(error.facts.get("retry_after_seconds", RETRY_AFTER_SECONDS))
    return response


def _moved(request: HttpRequest, location: str) -> JsonResponse:
    """Clients repeat the request there, method, body and credentials included."""
    response = _json(request, 307, "RepoMoved", "The repo has another name now.", {})
    response["Location"] = location
    return response


def answer_for(error: CatalogError) -> Answer:
    """Returns the entry of the error's class, or of its nearest parent that has one."""
    return next(ANSWERS[one] for one in type(error).__mro__ if one in ANSWERS)


def failure_response(request: HttpRequest) -> JsonResponse:
    """Returns the answer for a fault of ours; what went wrong stands in the log, not here."""
    return _json(request, _SERVER_FAILED.status, _SERVER_FAILED.code, _SERVER_FAILED.message, {})


def method_response(request: HttpRequest, allowed: list[str]) -> JsonResponse:
    response = _json(request, 405, "MethodNotAllowed", f"Use {', '.join(allowed)} here.", {})
    response["Allow"] = ", ".join(allowed)
    return response


def header_text(message: str) -> str:
    """Returns the message as a header can carry it: one line of printable ASCII."""
    text = "".join(char if char.isprintable() else " " for char in message[:LONGEST_HEADER_MESSAGE])
    return text.encode("ascii", "backslashreplace").decode()


def _json(request: HttpRequest, status: int, code: str, message: str, facts: dict[str, object]) -> JsonResponse:
    body: dict[str, object] = {
        "error": message,
        "error_code": code,
        "request_id": request.META.get("REQUEST_ID", ""),
        "details": {name: value if _is_plain(value) else str(value) for name, value in facts.items()},
    }
    for name in ("url", "slug"):  # `create_repo` and `create_collection` read them from the 409
        if name in facts:
            body[name] = facts[name]
    response = JsonResponse(body, status=status)
    response["X-Error-Code"] = code
    response["X-Error-Message"] = header_text(message)
    if status == 401:
        scheme = "Basic" if ".git/" in request.path else "Bearer"  # git and git-lfs ask for no other
        response["WWW-Authenticate"] = f'{scheme} realm="hub"'
    return response


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool)
