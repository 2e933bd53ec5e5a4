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
    """Whether a key of ours, the present one or a retired one, signed exactly this text."""
    raw = _public_keys().get(signature.key_id)
    if raw is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(bytes.fromhex(signature.hex), body.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def public_keys() -> list[dict[str, str]]:
    """The keys whose signatures count, the one in use first, as the well-known document lists them."""
    current = current_key_id()
    return [
        {
            "id": key_id,
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(raw).decode(),
            "status": "current" if key_id == current else "retired",
        }
        for key_id, raw in _public_keys().items()
    ]


def current_key_id() -> str:
    """Of the key that signs now."""
    return _key_id(_private_key().public_key())


def new_key() -> tuple[str, str]:
    """A new private key, and the public one of the key it replaces: what `rotate_record_key` writes down."""
    fresh = Ed25519PrivateKey.generate()
    retired = base64.b64encode(_raw(_private_key().public_key())).decode()
    return base64.b64encode(fresh.private_bytes_raw()).decode(), retired


def _private_key() -> Ed25519PrivateKey:
    return _parsed(settings.RECORD_KEY)


def _public_keys() -> dict[str, bytes]:
    """By id: the key in use, and those the operator lists as retired, so that a key that leaked can be left out."""
    retired = [base64.b64decode(text, validate=True) for text in settings.RETIRED_RECORD_KEYS]
    return {key_id_of(raw): raw for raw in [_raw(_private_key().public_key()), *retired]}


@cache
def _parsed(text: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(text))


def key_id_of(raw: bytes) -> str:
    """First 16 hex digits of sha256 over the 32 bytes of a public key."""
    return hashlib.sha256(raw).hexdigest()[:16]


def _key_id(public: Ed25519PublicKey) -> str:
    return key_id_of(_raw(public))


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
