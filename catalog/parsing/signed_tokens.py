"""Signed statements of identity (JWT, RFC 7519; ID Token, OpenID Connect Core 2): who says what about whom.

PyJWT checks signatures and times. Which algorithm a key may be used with is decided here, by the kind of the key:
what the token says about itself chooses among the issuer's public keys, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.utils.translation import gettext as _

from catalog.errors import IdentityRefused

LEEWAY_SECONDS: Final = 60  # clocks differ
LONGEST_TOKEN: Final = 32 * 1024  # characters
LONGEST_SUBJECT: Final = 255
MOST_KEYS_TRIED: Final = 8  # of a token that names none
RSA_BITS: Final = range(2048, 8193)
REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat")
# Which kind of public key each algorithm takes, and on which curve. No `none`, and nothing with a shared secret.
ALGORITHMS: Final[dict[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_PUBLIC_MEMBERS: Final = ("kty", "n", "e", "crv", "x", "y")
_HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}

Key = Mapping[str, Any]  # a JWK (RFC 7517)


class UnknownKey(Exception):
    """None of the keys at hand signed this; the issuer may have new ones."""


@dataclass(frozen=True)
class Statement:
    """What an issuer has signed."""

    claims: Mapping[str, Any]
    algorithm: str

    @property
    def subject(self) -> str:
        return str(self.claims["sub"])

    def text(self, name: str) -> str:
        """A claim that is text; "" when it is absent or anything else."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def words(self, name: str) -> frozenset[str]:
        """A claim that is a list of words, or one word."""
        value = self.claims.get(name)
        listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return frozenset(word for word in listed if isinstance(word, str))

    def seconds(self, name: str) -> int | None:
        """A claim that is a moment, in unix seconds."""
        value = self.claims.get(name)
        return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def issuer_of(token: str) -> str:
    """Returns who claims to have signed this, which nobody has checked yet: only good for finding their keys."""
    _header(token)
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise IdentityRefused(_("it is no signed token")) from None
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else ""


def verified(token: str, *, keys: Sequence[Key], issuer: str, audience: str) -> Statement:
    """Returns what the token states, when `issuer` signed it for `audience` alone and it is valid now.

    Raises:
        UnknownKey: no key of theirs has its id; keys fetched anew may.
        IdentityRefused: with the reason.
    """
    header = _header(token)
    algorithm = header["alg"]
    fitting = [made for key in keys if _fits(key, header) and (made := _made(key, algorithm)) is not None]
    if not fitting:
        raise UnknownKey
    for key in fitting[:MOST_KEYS_TRIED]:
        try:
            claims = jwt.decode(
                token,
                key=key,
                algorithms=[algorithm],
                issuer=issuer,
                audience=audience,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as problem:
            raise IdentityRefused(_why(problem)) from None
        return _checked(Statement(claims, algorithm), audience)
    if "kid" not in header:
        raise UnknownKey
    raise IdentityRefused(_("its signature is wrong"))


def check_nonce(statement: Statement, nonce: str) -> None:
    """Raises `IdentityRefused` unless the statement answers the very question we asked."""
    if not hmac.compare_digest(statement.text("nonce").encode(), nonce.encode()):
        raise IdentityRefused(_("it answers another question"))


def check_access_token(statement: Statement, access_token: str) -> None:
    """Raises `IdentityRefused` when the statement came with another access token (`at_hash`, where it has one)."""
    if "at_hash" not in statement.claims:
        return
    whole = _HASHES[statement.algorithm[-3:]](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=")
    if not hmac.compare_digest(statement.text("at_hash").encode(), half):
        raise IdentityRefused(_("it came with another access token"))


def _header(token: str) -> dict[str, Any]:
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise IdentityRefused(_("it is no signed token"))
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise IdentityRefused(_("it is no signed token")) from None
    if str(header.get("alg")) not in ALGORITHMS:
        raise IdentityRefused(_("it is signed in a way that is not accepted"))
    # Other signed things, such as access tokens, name another type; `crit` asks for what we do not know.
    if "crit" in header or str(header.get("typ") or "JWT").upper() != "JWT":
        raise IdentityRefused(_("it is no statement of identity"))
    return header


def _fits(key: Key, header: Mapping[str, Any]) -> bool:
    """Whether this public key may have made such a signature."""
    kind, curve = ALGORITHMS[header["alg"]]
    uses = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and isinstance(uses, list)
        and "verify" in uses
        and key.get("alg", header["alg"]) == header["alg"]
        and ("kid" not in header or key.get("kid") == header["kid"])
    )


def _made(key: Key, algorithm: str) -> jwt.PyJWK | None:
    try:
        made = jwt.PyJWK({name: key[name] for name in _PUBLIC_MEMBERS if name in key}, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(made.key, RSAPublicKey) and made.key.key_size not in RSA_BITS:
        return None
    return made


def _checked(statement: Statement, audience: str) -> Statement:
    """Besides what PyJWT looks at: nobody else is addressed, and the subject is one we can keep."""
    addressed = statement.claims["aud"]
    if addressed not in (audience, [audience]) or statement.claims.get("azp", audience) != audience:
        raise IdentityRefused(_("it is for somebody else"))
    subject = statement.subject
    if not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise IdentityRefused(_("it does not say about whom it is"))
    return statement


def _why(problem: jwt.PyJWTError) -> str:
    if isinstance(problem, jwt.ExpiredSignatureError):
        return _("it has expired")
    if isinstance(problem, jwt.ImmatureSignatureError):
        return _("it is not valid yet")
    if isinstance(problem, jwt.InvalidAudienceError):
        return _("it is for somebody else")
    if isinstance(problem, jwt.InvalidIssuerError):
        return _("it is from somebody else")
    if isinstance(problem, jwt.MissingRequiredClaimError):
        return _("it lacks %(claim)s") % {"claim": problem.claim}
    return _("it is malformed")
