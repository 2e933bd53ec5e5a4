"""Shape, check and digest of access tokens (decision 7, security 11).

`hf_` + 34 random base62 characters + 6 base62 characters of CRC32: the prefix and length every
client accepts; the checksum tells a mistyped or invented token from a revoked one without a query,
and lets scanners recognise a leaked one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib

from django.conf import settings

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ACCESS_PREFIX, NODE_PREFIX = "hf_", "node_"
_SHAPE = re.compile(r"(?:hf|node)_[0-9A-Za-z]{40}", re.ASCII)


def new_token(prefix: str = ACCESS_PREFIX, kind: str = "u") -> str:
    """Returns a fresh secret: prefix, one letter for its kind, 33 random characters, 6 of checksum."""
    body = prefix + kind + "".join(secrets.choice(ALPHABET) for _ in range(33))
    return body + _checksum(body)


def is_well_formed(text: str) -> bool:
    """Whether this could be one of our tokens: shape and checksum agree."""
    return bool(_SHAPE.fullmatch(text)) and hmac.compare_digest(text[-6:], _checksum(text[:-6]))


def digest(text: str) -> str:
    """Returns HMAC-SHA256(pepper, token) in hex: all we ever store of it."""
    return hmac.new(settings.TOKEN_PEPPER.encode(), text.encode(), hashlib.sha256).hexdigest()


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
