"""Ed25519 signatures over records, and the public keys that check them (evaluation-notes 5).

The private key lives on the trusted side only; a node never sees it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings


@dataclass(frozen=True)
class Signature:
    """What to store beside the signed bytes."""

    hex: str
    key_id: str  # first 16 hex digits of sha256(public key)


def canonical(record: dict[str, Any]) -> str:
    """The one JSON text of a record: sorted keys, no blanks, no NaN; exactly its UTF-8 bytes are signed."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sign(body: str) -> Signature:
    """The signature of our key under `body`."""
    key = _private_key()
    return Signature(hex=key.sign(body.encode()).hex(), key_id=_key_id(key.public_key()))


def is_genuine(body: str, signature: Signature) -> bool:
    """Whether our key signed exactly this text."""
    public = _private_key().public_key()
    if signature.key_id != _key_id(public):
        return False
    try:
        public.verify(bytes.fromhex(signature.hex), body.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def public_keys() -> list[dict[str, str]]:
    """The keys whose signatures count, as the well-known document lists them."""
    public = _private_key().public_key()
    return [{"id": _key_id(public), "algorithm": "Ed25519", "public_key": base64.b64encode(_raw(public)).decode()}]


@cache
def _private_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.SIGNING_KEY))


def _key_id(public: Ed25519PublicKey) -> str:
    return hashlib.sha256(_raw(public)).hexdigest()[:16]


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
