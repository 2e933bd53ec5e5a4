"""A sign-in at an identity provider, from leaving for it to its answer (OpenID Connect, code flow with PKCE).

Every answer is taken once, from the browser that was sent there, by the provider it was sent to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import sealing, tokens
from catalog.actions import tallies
from catalog.actions.people import identity_tokens
from catalog.errors import IdentityRefused, NotFound, TooManyRequests
from catalog.models import PendingSignIn, User
from catalog.parsing import signed_tokens
from catalog.parsing.signed_tokens import Statement
from catalog.upstream.openid import Published
from marketplace.identity_providers import IdentityProvider
from marketplace.networks import network_of

LIFETIME: Final = timedelta(minutes=10)
STARTS: Final = 600  # from one network in `WINDOW_SECONDS`
WINDOW_SECONDS: Final = 900
AGAIN_SECONDS: Final = 3_600  # how long ago a sign-in there may be when it is asked for again
LONGEST_ANSWER: Final = 4_096  # characters of a code or a state


@dataclass(frozen=True)
class Asked:
    """What a browser takes to a provider, and keeps for the answer."""

    url: str
    browser: str  # for its cookie


@dataclass(frozen=True)
class Answer:
    """What a browser brings back, as it came."""

    code: str
    issuer: str
    error: str


@dataclass(frozen=True)
class Claimed:
    """Whom a provider says it has before it."""

    provider: IdentityProvider
    subject: str
    email: str = ""
    is_email_verified: bool = False
    wanted_name: str = ""
    full_name: str = ""
    signed_in_at: int = 0  # unix seconds; 0 when the provider does not say
    is_strong: bool = False  # the provider has asked for a second factor itself


def provider_named(slug: str) -> IdentityProvider:
    """Raises `NotFound`."""
    found = next((one for one in settings.OIDC_PROVIDERS if one.slug == slug), None)
    if found is None:
        raise NotFound(_("Nobody can sign in with that here."))
    return found


def begin(
    *,
    provider: IdentityProvider,
    redirect_uri: str,
    browser: str,
    address: str,
    target: str = "/",
    is_again: bool = False,
    user: User | None = None,
) -> Asked:
    """Returns where to send the browser.

    Args:
        browser: what its cookie holds already, if it has one.
        user: who wants to link an identity, instead of signing in.

    Raises:
        TooManyRequests, UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable
    """
    if tallies.add_one(f"oidc:{network_of(address)}", window_seconds=WINDOW_SECONDS) > STARTS:
        raise TooManyRequests(_("That was often enough for now. Try again later."), retry_after_seconds=WINDOW_SECONDS)
    published = identity_tokens.providers.published(provider.issuer)
    PendingSignIn.objects.filter(expires_at__lt=timezone.now()).delete()
    state, nonce, verifier = (secrets.token_urlsafe(32) for _index in range(3))
    browser = browser or secrets.token_urlsafe(32)
    PendingSignIn.objects.create(
        state_digest=tokens.digest(state),
        browser_digest=tokens.digest(browser),
        provider=provider.slug,
        nonce=nonce,
        verifier_sealed=sealing.seal(verifier),
        target=target if len(target) <= 2000 else "/",
        is_again=is_again,
        user=user,
        expires_at=timezone.now() + LIFETIME,
    )
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "nonce": nonce,
        **_challenge(verifier),
        **_wishes(provider, published, is_again=is_again),
    }
    return Asked(_with_query(published.authorization_endpoint, asked), browser)


def take(*, provider: IdentityProvider, browser: str, state: str) -> PendingSignIn:
    """Returns the sign-in this is the answer to; nobody gets it a second time.

    Raises:
        IdentityRefused: it belongs to another browser or provider, is over, or was answered already.
    """
    pending = PendingSignIn.objects.filter(
        state_digest=tokens.digest(state[:LONGEST_ANSWER]),
        browser_digest=tokens.digest(browser),
        provider=provider.slug,
        expires_at__gt=timezone.now(),
    ).first()
    # Of two answers at once one deletes the row, and that one goes on.
    if pending is None or not PendingSignIn.objects.filter(pk=pending.pk).delete()[0]:
        raise IdentityRefused(_("it answers no sign-in of this browser, or one that is over"))
    return pending


def redeem(*, provider: IdentityProvider, pending: PendingSignIn, answer: Answer, redirect_uri: str) -> Claimed:
    """Returns whom the provider vouches for.

    Raises:
        IdentityRefused: with the reason.
        UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable: it cannot be asked, or takes the code for none of its.
    """
    published = identity_tokens.providers.published(provider.issuer)
    # RFC 9207: an answer that names its issuer names this one, and one that has to, does.
    if answer.issuer != provider.issuer and (answer.issuer or published.names_itself):
        raise IdentityRefused(_("another provider answered"))
    if answer.error or not answer.code or len(answer.code) > LONGEST_ANSWER:
        raise IdentityRefused(_("it says no"))
    verifier = sealing.unseal(pending.verifier_sealed)
    if verifier is None:
        raise IdentityRefused(_("it answers no sign-in of this browser, or one that is over"))
    redeemed = identity_tokens.providers.redeem(
        provider.issuer, code=answer.code, verifier=verifier, redirect_uri=redirect_uri,
        client_id=provider.client_id, client_secret=provider.client_secret,
    )  # fmt: skip
    statement = identity_tokens.verified(redeemed.id_token, issuer=provider.issuer, audience=provider.client_id)
    signed_tokens.check_nonce(statement, pending.nonce)
    signed_tokens.check_access_token(statement, redeemed.access_token)
    if provider.groups and not statement.words(provider.groups_claim) & provider.groups:
        raise IdentityRefused(_("it names no group that may sign in here"))
    return _claimed(provider, statement)


def _challenge(verifier: str) -> dict[str, str]:
    """PKCE (RFC 7636): only who knows the verifier may redeem the code."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return {
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }


def _wishes(provider: IdentityProvider, published: Published, *, is_again: bool) -> dict[str, str]:
    """What is asked for besides who it is."""
    wishes = {"prompt": "login", "max_age": str(AGAIN_SECONDS)} if is_again else {}
    if provider.strong_acr:
        wishes["acr_values"] = " ".join(provider.strong_acr)
    if provider.strong_amr and published.takes_claims:
        wishes["claims"] = json.dumps({"id_token": {"amr": {"essential": True}}})
    return wishes


def _claimed(provider: IdentityProvider, statement: Statement) -> Claimed:
    now = int(time.time())
    told = statement.seconds("auth_time") or (now if provider.is_fresh_untold else 0)
    return Claimed(
        provider=provider,
        subject=statement.subject,
        email=statement.text("email")[:254],
        is_email_verified=statement.claims.get("email_verified") is True,
        wanted_name=statement.text("preferred_username"),
        full_name=statement.text("name")[:200],
        signed_in_at=min(told, now),
        is_strong=statement.text("acr") in provider.strong_acr or bool(statement.words("amr") & provider.strong_amr),
    )


def _with_query(url: str, added: dict[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode(added)]))
    return parts._replace(query=query, fragment="").geturl()
