"""Which keys may have signed what: the choice PyJWT leaves to us."""

from __future__ import annotations

import base64
import hashlib
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from catalog.errors import IdentityRefused
from catalog.parsing import signed_tokens
from catalog.parsing.signed_tokens import Statement, UnknownKey

ISSUER, US = "https://login.example.org", "marketplace"
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def jwk(private, **more: object) -> dict[str, object]:
    kinds = {
        rsa.RSAPrivateKey: RSAAlgorithm,
        ec.EllipticCurvePrivateKey: ECAlgorithm,
        ed25519.Ed25519PrivateKey: OKPAlgorithm,
    }
    kind = next(kinds[one] for one in kinds if isinstance(private, one))
    return {**kind.to_jwk(private.public_key(), as_dict=True), "kid": "a", **more}


def signed(private, algorithm: str, kid: str | None = "a", **claims: object) -> str:
    now = int(time.time())
    told = {"iss": ISSUER, "aud": US, "sub": "1", "iat": now, "exp": now + 60, **claims}
    return jwt.encode(told, private, algorithm, headers={"kid": kid} if kid else {})


def verified(token: str, *keys: dict[str, object]) -> Statement:
    return signed_tokens.verified(token, keys=keys, issuer=ISSUER, audience=US)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_rsa_signatures_of_every_length_are_good(algorithm):
    assert verified(signed(RSA, algorithm), jwk(RSA)).subject == "1"


@pytest.mark.parametrize("algorithm", CURVES)
def test_each_curve_has_its_algorithm(algorithm):
    private = ec.generate_private_key(CURVES[algorithm])

    assert verified(signed(private, algorithm), jwk(private)).algorithm == algorithm


def test_edwards_curves_are_good():
    assert verified(signed(ED, "EdDSA"), jwk(ED)).subject == "1"


@pytest.mark.parametrize(
    "change",
    [{"kid": "b"}, {"use": "enc"}, {"alg": "RS512"}, {"alg": "HS256"}, {"kty": "oct", "k": "c2VjcmV0"}, {"n": 5},
     {"key_ops": ["encrypt"]}, {"key_ops": 5}, {"n": ""}],
    ids=str,
)  # fmt: skip
def test_a_key_for_something_else_is_no_key(change):
    with pytest.raises(UnknownKey):
        verified(signed(RSA, "RS256"), jwk(RSA, **change))


def test_a_short_rsa_key_is_no_key():
    short = rsa.generate_private_key(65537, 1024)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = signed(short, "RS256")

    with pytest.raises(UnknownKey):
        verified(token, jwk(short))


def test_an_elliptic_key_does_not_verify_on_another_curve():
    private = ec.generate_private_key(CURVES["ES384"])

    with pytest.raises(UnknownKey):
        verified(signed(private, "ES384"), jwk(ec.generate_private_key(CURVES["ES256"])))


def test_a_token_that_names_no_key_is_tried_with_those_that_fit():
    other = rsa.generate_private_key(65537, 2048)

    assert verified(signed(RSA, "RS256", kid=None), jwk(other), jwk(ED), jwk(RSA)).subject == "1"
    with pytest.raises(UnknownKey):  # new keys may fit
        verified(signed(RSA, "RS256", kid=None), jwk(other))


def test_of_two_keys_with_one_id_either_may_have_signed():
    other = rsa.generate_private_key(65537, 2048)

    assert verified(signed(RSA, "RS256"), jwk(other), jwk(RSA)).subject == "1"
    with pytest.raises(IdentityRefused, match="its signature is wrong"):
        verified(signed(RSA, "RS256"), jwk(other))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1}, "it has expired"),
        ({"nbf": 4_000_000_000}, "it is not valid yet"),
        ({"iat": 4_000_000_000}, "it is not valid yet"),
        ({"iss": "https://evil.example"}, "it is from somebody else"),
        ({"aud": "another"}, "it is for somebody else"),
        ({"aud": [US, "another"]}, "it is for somebody else"),
        ({"aud": [US], "azp": "another"}, "it is for somebody else"),
        ({"exp": None}, "it lacks exp"),
        ({"iat": None}, "it lacks iat"),
        ({"sub": "a\nb"}, "it does not say about whom it is"),
        ({"exp": "soon"}, "it is malformed"),
        ({"exp": float("inf")}, "it is malformed"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(claims, why):
    with pytest.raises(IdentityRefused, match=why):
        verified(signed(RSA, "RS256", **claims), jwk(RSA))


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "a.b.c.d", "ą.b.c", "..", "e30.e30.", "W10.W10.W10", "x" * 100_000]
)
def test_what_is_no_token_is_refused(token):
    with pytest.raises(IdentityRefused):
        verified(token, jwk(RSA))
    with pytest.raises(IdentityRefused):
        signed_tokens.issuer_of(token)


@pytest.mark.parametrize(
    ("algorithm", "name"), [("RS256", "sha256"), ("RS512", "sha512"), ("ES384", "sha384"), ("EdDSA", "sha512")]
)
def test_the_hash_of_an_access_token_is_as_long_as_the_algorithm_says(algorithm, name):
    whole = hashlib.new(name, b"access").digest()
    half = base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()

    signed_tokens.check_access_token(Statement({"at_hash": half}, algorithm), "access")
    signed_tokens.check_access_token(Statement({}, algorithm), "access")
    with pytest.raises(IdentityRefused, match="another access token"):
        signed_tokens.check_access_token(Statement({"at_hash": half}, algorithm), "other")


def test_claims_of_the_wrong_type_count_as_absent():
    told = Statement({"text": 5, "words": ["a", 5], "word": "b", "at": True, "list": 7}, "RS256")

    assert (told.text("text"), told.words("words"), told.words("word"), told.words("list")) == (
        "", frozenset({"a"}), frozenset({"b"}), frozenset(),
    )  # fmt: skip
    assert (told.seconds("at"), told.seconds("absent")) == (None, None)
