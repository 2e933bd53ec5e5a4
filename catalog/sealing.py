"""Encryption of secrets we must be able to use again, such as tokens for an upstream hub."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def seal(text: str) -> bytes:
    """Returns `text` encrypted and authenticated under a key derived from SECRET_KEY."""
    return seal_bytes(text.encode())


def unseal(sealed: bytes | memoryview) -> str | None:
    """Returns the text, or None when it was sealed under another SECRET_KEY."""
    opened = unseal_bytes(sealed)
    return None if opened is None else opened.decode()


def seal_bytes(content: bytes) -> bytes:
    return _box().encrypt(content)


def unseal_bytes(sealed: bytes | memoryview) -> bytes | None:
    try:
        return _box().decrypt(bytes(sealed))
    except InvalidToken:
        return None


def _box() -> Fernet:
    key = hashlib.sha256(b"marketplace sealing 1\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
