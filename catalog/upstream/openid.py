"""What OpenID providers publish about themselves, their keys, and what they give for a code.

Kept in each process: what a provider publishes hardly changes, and sign-ins must not wait for it each time.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
from django.utils.translation import gettext as _

from catalog.errors import UpstreamRefused, UpstreamUnavailable
from catalog.upstream.addresses import AllowList
from catalog.upstream.http import UpstreamClient

MOST_SECONDS: Final = 10.0  # for one answer
MOST_BYTES: Final = 512 * 1024  # of one answer
MOST_AT_ONCE: Final = 4  # requests to providers in this process: a slow one must not hold every thread
KEPT_SECONDS: Final = 3_600
REFETCH_SECONDS: Final = 30  # between two looks for new keys because of an unknown one
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Published:
    """A provider's description of itself (OpenID Connect Discovery 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    takes_secret_in_body: bool
    names_itself: bool  # its answers say who answers (RFC 9207)
    takes_claims: bool


@dataclass(frozen=True)
class Redeemed:
    """What a provider gives for a code."""

    id_token: str
    access_token: str


@dataclass
class _Kept:
    value: Any
    fetched_at: float  # time.monotonic
    refetched_at: float = float("-inf")

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self.fetched_at > KEPT_SECONDS


class OpenIdClient:
    """Asks providers, and remembers what they publish.

    Args:
        connect: makes a client; given what goes into its Authorization header, or "".
        allowed: which addresses a provider may name.
    """

    def __init__(self, *, connect: Callable[[str], UpstreamClient], allowed: Callable[[], AllowList]) -> None:
        self._connect, self._allowed = connect, allowed
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], _Kept] = {}

    def published(self, issuer: str) -> Published:
        """Raises: UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable."""
        kept = self._kept.get(("published", issuer))
        if kept is None or kept.is_old:
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            kept = self._keep("published", issuer, self._described(issuer, self._get(url)))
        found: Published = kept.value
        return found

    def keys(self, issuer: str, *, anew: bool = False) -> list[Mapping[str, Any]]:
        """The public keys of an issuer (JWK). Raises as `published`.

        Args:
            anew: a key is missing; they are fetched again unless that was done for this reason just now.
        """
        kept, now = self._kept.get(("keys", issuer)), time.monotonic()
        is_due = anew and (kept is None or now - kept.refetched_at > REFETCH_SECONDS)
        if kept is None or kept.is_old or is_due:
            if kept is not None and is_due:
                kept.refetched_at = now  # also when it fails: whoever makes up key ids must not make us ask for ever
            answer = self._get(self.published(issuer).jwks_uri)
            listed = answer.get("keys")
            keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
            kept = self._keep("keys", issuer, keys)
            kept.refetched_at = now if is_due else kept.refetched_at
        found: list[Mapping[str, Any]] = kept.value
        return found

    def redeem(
        self, issuer: str, *, code: str, verifier: str, redirect_uri: str, client_id: str, client_secret: str
    ) -> Redeemed:
        """Exchange a code. Raises as `published`; `UpstreamRefused` when the code is not good (any more)."""
        published = self.published(issuer)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": client_id,
            "code_verifier": verifier,
        }
        authorization = ""
        if client_secret and published.takes_secret_in_body:
            form["client_secret"] = client_secret
        elif client_secret:  # RFC 6749, 2.3.1: both are form-encoded first
            pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        headers = {"content-type": FORM, "accept": "application/json"}
        with self._client(authorization) as client:
            body = urlencode(form).encode()
            answer = _object_in(client.post(published.token_endpoint, content=body, headers=headers))
        id_token, access_token = answer.get("id_token"), answer.get("access_token", "")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise UpstreamRefused(_("the provider gave no identity for the code"))
        return Redeemed(id_token, access_token)

    def _described(self, issuer: str, told: Mapping[str, Any]) -> Published:
        if told.get("issuer") != issuer:
            raise UpstreamRefused(_("the provider calls itself otherwise than it is called here"))
        addresses = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            value = told.get(name)
            if not isinstance(value, str):
                # CI systems sign tokens and sign nobody in: they have keys alone.
                if name != "jwks_uri":
                    addresses[name] = ""
                    continue
                raise UpstreamRefused(_("the provider does not say where its %(what)s is") % {"what": name})
            self._allowed().check_url(value)
            addresses[name] = value
        methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Published(
            issuer=issuer,
            **addresses,
            takes_secret_in_body="client_secret_basic" not in methods,
            names_itself=told.get("authorization_response_iss_parameter_supported") is True,
            takes_claims=told.get("claims_parameter_supported") is True,
        )

    def _keep(self, what: str, issuer: str, value: object) -> _Kept:
        kept = _Kept(value, time.monotonic())
        with self._lock:
            self._kept[what, issuer] = kept
        return kept

    def _get(self, url: str) -> dict[str, Any]:
        with self._client("") as client:
            return _object_in(client.get(url, headers={"accept": "application/json"}))

    @contextmanager
    def _client(self, authorization: str) -> Iterator[UpstreamClient]:
        if not self._slots.acquire(blocking=False):
            raise UpstreamUnavailable(_("too many sign-ins wait for their provider already"))
        try:
            client = self._connect(authorization)
            try:
                yield client
            finally:
                client.close()
        finally:
            self._slots.release()


def _object_in(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise UpstreamRefused(_("%(host)s does not answer with a JSON object") % {"host": answer.request.url.host})
    return told
