"""Whether an issuer has signed what is said: its keys are fetched by our checked client, and fetched anew once."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.utils.translation import gettext as _

from catalog.errors import IdentityRefused
from catalog.parsing import signed_tokens
from catalog.parsing.signed_tokens import Statement, UnknownKey
from catalog.upstream import openid
from catalog.upstream.http import UpstreamClient
from catalog.upstream.openid import OpenIdClient
from catalog.upstream.public import PublicAddresses


def addresses() -> PublicAddresses:
    """Where identity providers may be."""
    return PublicAddresses.of(settings.OIDC_ALLOWED_HOSTS)


def _connect(authorization: str) -> UpstreamClient:
    return UpstreamClient(
        allowed=addresses(),
        agent="model-marketplace-sign-in",
        is_hub=False,
        max_redirects=0,  # an issuer is where it says it is
        extra_ca=settings.EXTRA_CA_FILE,
        most_seconds=openid.MOST_SECONDS,
        most_bytes=openid.MOST_BYTES,
        authorization=authorization,
    )


providers: Final = OpenIdClient(connect=_connect, allowed=addresses)


def verified(token: str, *, issuer: str, audience: str) -> Statement:
    """Returns what `issuer` states in this token for `audience`.

    Raises:
        IdentityRefused: the token is not good, with the reason.
        UpstreamNotAllowed, UpstreamRefused, UpstreamUnavailable: the issuer's keys cannot be had.
    """
    for anew in (False, True):
        try:
            keys = providers.keys(issuer, anew=anew)
            return signed_tokens.verified(token, keys=keys, issuer=issuer, audience=audience)
        except UnknownKey:
            continue
    raise IdentityRefused(_("it is signed with a key its issuer does not publish"))
