"""Passkeys (WebAuthn) as the second step of signing in: a key in a device that answers this site alone (ADR 0018)."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn, get_authenticator_by_credential_id, get_credentials
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.webauthn import (
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from catalog.actions import audit
from catalog.actions.people import second_factor
from catalog.errors import BadInput
from catalog.models import User

MOST_PASSKEYS: Final = 20  # of one person
LONGEST_NAME: Final = 100
LONGEST_ANSWER: Final = 16_384  # characters of JSON
# What fido2 raises for answers that no browser gives, besides those it refuses (ValueError).
_UNREADABLE: Final = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, struct.error)


@dataclass(frozen=True)
class Question:
    """What a browser is to ask a device, as JSON, and what the answer is held against."""

    options: str
    state: dict[str, Any]


def ask_for_new(*, user: User, origin: str) -> Question:
    """The question whose answer `add` takes.

    Args:
        origin: where this site is, as the browser says it: `https://hub.example.org`.
    """
    whose = PublicKeyCredentialUserEntity(id=str(user.pk).encode(), name=user.username, display_name=user.display_name)
    options, state = _server(origin).register_begin(
        user=whose,
        credentials=get_credentials(user),
        resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,  # the name is typed anyway
        user_verification=UserVerificationRequirement.DISCOURAGED,  # and so is the password
    )
    return Question(json.dumps(dict(options.public_key)), state)


@transaction.atomic
def add(*, user: User, origin: str, state: dict[str, Any], answer: str, name: str) -> list[str]:
    """Keep a new passkey; returns recovery codes, shown once, when it is the first second factor.

    Raises:
        BadInput: not an answer to this question, or too many passkeys.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).count() >= MOST_PASSKEYS:
        raise BadInput(_("You have many passkeys already; remove one first."))
    try:
        credential = _read(answer)
        made = _server(origin).register_complete(state, credential)
        is_known = made.credential_data is None or get_authenticator_by_credential_id(
            user, made.credential_data.credential_id
        )
    except _UNREADABLE:
        raise BadInput(_("The passkey was not made. Try again.")) from None
    if is_known:
        raise BadInput(_("This passkey is in the list already."))
    name = name.strip()[:LONGEST_NAME] or _("Passkey")
    WebAuthn.add(user, name, credential)
    audit.record(user, "user.passkey", f"user/{user}", passkey=name)
    return second_factor.first_recovery_codes(user)


def ask(*, user: User, origin: str) -> Question | None:
    """The question whose answer `accept` takes; None where they have no passkey."""
    known = get_credentials(user)
    if not known:
        return None
    options, state = _server(origin).authenticate_begin(
        credentials=known, user_verification=UserVerificationRequirement.DISCOURAGED
    )
    return Question(json.dumps(dict(options.public_key)), state)


def accept(*, user: User, origin: str, state: dict[str, Any], answer: str) -> bool:
    """Whether one of their passkeys answered this question, for this site."""
    try:
        used = _server(origin).authenticate_complete(state, get_credentials(user), _read(answer))
    except _UNREADABLE:
        return False
    factor = get_authenticator_by_credential_id(user, used.credential_id)
    if factor is None:  # removed in this moment
        return False
    factor.record_usage()
    return True


@transaction.atomic
def remove(*, user: User, passkey_id: int) -> None:
    """Forget a passkey; harmless when it is gone. Recovery codes go with the last second factor."""
    User.objects.select_for_update().get(pk=user.pk)
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN, pk=passkey_id).first()
    if found is None:
        return
    audit.record(user, "user.passkey_removed", f"user/{user}", passkey=WebAuthn(found).name)
    found.delete()
    second_factor.forget_codes_without_factor(user)


def _server(origin: str) -> Fido2Server:
    site = PublicKeyCredentialRpEntity(id=urlsplit(origin).hostname or "", name=settings.SITE_NAME)
    # The library lets subdomains of the site answer for it, too.
    return Fido2Server(site, verify_origin=lambda said: said == origin)


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise ValueError("longer than any answer of a browser")
    read = json.loads(answer)
    if not isinstance(read, dict):
        raise TypeError("not an answer")
    return read
