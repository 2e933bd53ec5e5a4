"""How allauth keeps second factors here: sealed like every other secret, and named as this site is (ADR 0018)."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from catalog import sealing
from catalog.models import User


class Unreadable(Exception):
    """A factor sealed under another SECRET_KEY; nobody can sign in with it any more."""


class SealedAuthenticators(DefaultMFAAdapter):  # type: ignore[misc]  # allauth comes without types
    def encrypt(self, text: str) -> str:
        return sealing.seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        opened = sealing.unseal(encrypted_text.encode())
        if opened is None:  # nothing may stand for it: codes made from an empty secret anybody could make
            raise Unreadable
        return opened

    def get_totp_label(self, user: User) -> str:
        return user.username

    def get_totp_issuer(self) -> str:
        return settings.SITE_NAME
