"""The one HTTP client for addresses that users name. No environment proxies, no automatic redirects."""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import httpcore
import httpx
from django.utils.translation import gettext as _

from catalog.errors import UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable
from catalog.upstream.addresses import DEFAULT_PORTS, AllowList, CheckedBackend
from catalog.upstream.deadline import Clock, EndingBackend

TIMEOUT = httpx.Timeout(30, connect=5)  # seconds
MAX_REDIRECTS = 3
MAX_ANSWER_BYTES = 64 * 2**20  # of answers read as a whole: listings, descriptions
MOST_SECONDS = 300.0  # for a whole answer, or until one begins whose body is a file
RETRIED = {408, 425, 429, 500, 502, 503, 504}
# Numbers of OpenSSL (x509_vfy.h).
_EXPIRED: Final = {10}
_UNTRUSTED: Final = {18, 19, 20, 21}  # signed by itself, or by nobody we know
_OTHER_NAME: Final = {62, 64}


class CheckedTransport(httpx.HTTPTransport):
    """httpx's transport with connections opened by `CheckedBackend`."""

    def __init__(self, allowed: AllowList, *, clock: Clock, extra_ca: Path | None) -> None:
        super().__init__(trust_env=False)
        self._pool.close()
        trusted = httpx.create_ssl_context(trust_env=False)
        if extra_ca:
            trusted.load_verify_locations(extra_ca)
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=8,
            network_backend=EndingBackend(CheckedBackend(allowed), clock),
        )


class UpstreamClient:
    """Asks one upstream; every hop of a redirect is checked, credentials stay with their host.

    Args:
        extra_ca: a PEM file of authorities to trust besides the public ones.
        is_hub: whether its refusals mean what a hub's would, such as 403 a wrong token.
        max_redirects: 0 refuses every redirect.
        most_seconds: how long an answer may take, redirects and all; the body of a download takes what it takes.
        most_bytes: of an answer that is read as a whole.
        authorization: what goes into that header instead of a token, such as `Basic …`.
    """

    def __init__(
        self,
        *,
        allowed: AllowList,
        token: str | None = None,
        agent: str = "model-marketplace-mirror",
        is_hub: bool = True,
        max_redirects: int = MAX_REDIRECTS,
        extra_ca: Path | None = None,
        most_seconds: float = MOST_SECONDS,
        most_bytes: int = MAX_ANSWER_BYTES,
        authorization: str = "",
    ) -> None:
        self._clock = Clock()
        self._most_seconds = most_seconds
        self._allowed = allowed
        self._authorization = f"Bearer {token}" if token else authorization
        self._most_bytes = most_bytes
        self._is_hub = is_hub
        self._max_redirects = max_redirects
        transport = CheckedTransport(allowed, clock=self._clock, extra_ca=extra_ca)
        self._client = httpx.Client(
            transport=transport, timeout=TIMEOUT, trust_env=False, headers={"user-agent": agent}
        )

    def close(self) -> None:
        self._client.close()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Returns a whole, successful answer. Raises as `open` does."""
        return self._whole("GET", url, headers=headers or {})

    def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Like `get`, with a body."""
        return self._whole("POST", url, headers=headers, content=content)

    @contextmanager
    def open(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Iterator[httpx.Response]:
        """Yields an answer whose body is still to be read, in any time: 2xx or 416.

        Raises:
            UpstreamNotAllowed: this address, or one it redirects to, is off the list.
            UpstreamRefused: 4xx, or 3xx that leads nowhere; asking again does not help.
            UpstreamUnavailable: connection failed, 429 or 5xx; fact `retry_after_seconds` if told.
        """
        self._clock.start(self._most_seconds)
        with self._answer(method, url, headers=headers or {}, content=content) as answer:
            self._clock.stop()
            yield answer

    @contextmanager
    def _answer(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None
    ) -> Iterator[httpx.Response]:
        origin, sent = _origin(self._allowed, url), dict(headers)
        sent.setdefault("accept-encoding", "identity")
        for _index in range(self._max_redirects + 1):
            if self._authorization and _origin(self._allowed, url) == origin:
                sent["authorization"] = self._authorization
            else:
                sent.pop("authorization", None)
            try:
                with self._client.stream(method, url, headers=sent, content=content) as answer:
                    if not answer.is_redirect:
                        _check_status(answer, is_hub=self._is_hub)
                        yield answer
                        return
                    if not self._max_redirects:
                        raise UpstreamRefused(_unfollowed(answer), status=answer.status_code)
                    url = urljoin(url, answer.headers.get("location", ""))
            except httpx.InvalidURL:
                raise UpstreamNotAllowed(_("the address cannot be asked: it is malformed or too long")) from None
            except httpx.HTTPError as problem:
                raise UpstreamUnavailable(_sentence(url, problem)) from None
        raise UpstreamRefused(_("the other hub redirects too many times"))

    def _whole(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> httpx.Response:
        self._clock.start(self._most_seconds)
        with self._answer(method, url, headers=headers, content=content) as answer:
            body = bytearray()
            for piece in answer.iter_raw():
                body += piece
                if len(body) > self._most_bytes:
                    raise UpstreamRefused(_("the answer is larger than we read"))
            kept = {k: v for k, v in answer.headers.items() if k.lower() != "content-encoding"}
            return httpx.Response(answer.status_code, headers=kept, content=bytes(body), request=answer.request)


def _origin(allowed: AllowList, url: str) -> tuple[str, str, int]:
    parts = allowed.check_url(url)
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def _check_status(answer: httpx.Response, *, is_hub: bool) -> None:
    status = answer.status_code
    if status < 300 or (is_hub and status == 416):
        return
    said = f"{answer.request.url.host} answered {status}"
    code = answer.headers.get("x-error-code", "")
    if status in RETRIED:
        raise UpstreamUnavailable(said, retry_after_seconds=_retry_after(answer.headers))
    reasons = {
        "GatedRepo": "the repo is gated there and this server has no access; add a token",
        "RepoNotFound": "there is no such repo there, or it is private and needs a token",
        "RevisionNotFound": "there is no such revision there",
        "EntryNotFound": "the file is not there any more",
    }
    usual = "the token is not accepted, or the repo needs one" if status in (401, 403) else ""
    why = (reasons.get(code) or usual) if is_hub else ""
    raise UpstreamRefused(f"{said}: {why}" if why else said, status=status, upstream_code=code)


def _retry_after(headers: httpx.Headers) -> float | None:
    """Returns seconds; the header may hold seconds or an HTTP date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _unfollowed(answer: httpx.Response) -> str:
    facts = {"host": answer.request.url.host, "status": answer.status_code}
    return _("%(host)s answered %(status)s, a redirect; none is followed here") % facts


def _sentence(url: str, problem: httpx.HTTPError) -> str:
    host = httpx.URL(url).host
    if isinstance(problem, httpx.TimeoutException):
        return _("%(host)s did not answer in time") % {"host": host}
    cause = _tls_problem(problem)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _("the certificate of %(host)s is not accepted: %(why)s") % {"host": host, "why": _why(cause)}
    if cause is not None:
        return _("%(host)s and this server find no common TLS") % {"host": host}
    return _("the connection to %(host)s failed") % {"host": host}


def _tls_problem(problem: BaseException | None) -> ssl.SSLError | None:
    """What lies under the errors of two libraries."""
    while problem is not None:
        if isinstance(problem, ssl.SSLError):
            return problem
        problem = problem.__cause__ or problem.__context__
    return None


def _why(problem: ssl.SSLCertVerificationError) -> str:
    code: int = problem.verify_code
    if code in _EXPIRED:
        return _("it has expired")
    if code in _UNTRUSTED:
        return _("no authority that this server trusts has signed it")
    if code in _OTHER_NAME:
        return _("it is for another name")
    return problem.verify_message


__all__ = ["UpstreamClient", "UpstreamNotAllowed"]
