"""Who must not get in by a provider: forged identities, and answers that are stolen, old or sent twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from catalog.actions.people import accounts
from catalog.models import AuditEntry, PendingSignIn
from tests.catalog.identities.conftest import Visitor, forget_published, sent_back
from tests.issuer import CLIENT, RSA_KEY, Issuer, SigningKey

pytestmark = pytest.mark.django_db


def test_somebody_blocked_hears_what_a_stranger_hears(linked, issuer):
    accounts.block(user=linked, actor=None)
    visitor = Visitor()

    answer = visitor.sign_in()

    assert answer["Location"].startswith("/login?")
    assert "your account there opens no account here" in visitor.told()
    assert visitor.name == ""
    assert AuditEntry.objects.filter(action="identity.refused", target="provider/corp").exists()


@pytest.mark.parametrize(("groups", "signs_in"), [(["ml", "x"], True), ("ml", True), (["x"], False), (None, False)])
def test_groups_are_asked_for_at_each_sign_in(groups, signs_in, linked, issuer, settings):
    settings.OIDC_PROVIDERS = (issuer.provider(groups_claim="groups", groups=frozenset({"ml"})),)
    issuer.changed = {"groups": groups}
    visitor = Visitor()

    visitor.sign_in()

    assert (visitor.name == "ann") is signs_in


def signed_otherwise(issuer: Issuer) -> dict[str, object]:
    """Ways to sign an id_token that nobody may take, by name."""
    stranger = SigningKey("first", "RS256")
    public = RSA_KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def unsigned(claims):
        return jwt.encode(claims, None, "none", headers={"kid": "first"})

    def with_public_key(claims):
        # What a careless verifier takes for a shared secret. PyJWT will not make such a thing, so by hand.
        def packed(data: bytes) -> bytes:
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        head = packed(json.dumps({"alg": "HS256", "kid": "first", "typ": "JWT"}).encode())
        text = head + b"." + packed(json.dumps(claims).encode())
        return (text + b"." + packed(hmac.new(public, text, hashlib.sha256).digest())).decode()

    def tampered(claims):
        head, _body, signature = RSA_KEY.sign(claims).split(".")
        body = RSA_KEY.sign({**claims, "sub": "another"}).split(".")[1]
        return f"{head}.{body}.{signature}"

    return {
        "another key of the same id": stranger.sign,
        "a key nobody publishes": SigningKey("third", "RS256").sign,
        "alg none": unsigned,
        "HS256 under the public key": with_public_key,
        "another body": tampered,
        "the other key's id": lambda claims: RSA_KEY.sign(claims, kid="second"),
        "no token at all": lambda claims: str(claims["sub"]),
        "an access token": lambda claims: RSA_KEY.sign(claims, typ="at+jwt"),
        "something critical we do not know": lambda claims: RSA_KEY.sign(claims, crit=["exp"]),
        "far too long": lambda claims: RSA_KEY.sign({**claims, "padding": "x" * 40_000}),
    }


@pytest.mark.parametrize(
    "way",
    ["another key of the same id", "a key nobody publishes", "alg none", "HS256 under the public key", "another body",
     "the other key's id", "no token at all", "an access token", "something critical we do not know", "far too long"],
)  # fmt: skip
def test_a_badly_signed_identity_signs_nobody_in(way, linked, issuer):
    issuer.sign = signed_otherwise(issuer)[way]
    visitor = Visitor()

    answer = visitor.sign_in()

    assert answer["Location"].startswith("/login?")
    assert visitor.name == ""
    assert "Corp did not sign you in" in visitor.told()
    assert AuditEntry.objects.filter(action="identity.refused").exists()


@pytest.mark.parametrize(
    "said",
    [{"iss": "http://127.0.0.1:1"}, {"aud": "another"}, {"aud": [CLIENT, "another"]}, {"aud": None}, {"azp": "another"},
     {"exp": 1_000_000_000}, {"exp": None}, {"iat": 4_000_000_000}, {"iat": None}, {"nbf": 4_000_000_000},
     {"nonce": "another"}, {"nonce": None}, {"at_hash": "another"}, {"sub": None}, {"sub": ""}, {"sub": 5},
     {"sub": "x" * 256}],
    ids=str,
)  # fmt: skip
def test_an_identity_that_says_something_wrong_signs_nobody_in(said, linked, issuer):
    issuer.changed = said
    visitor = Visitor()

    visitor.sign_in()

    assert visitor.name == ""
    assert AuditEntry.objects.filter(action="identity.refused").exists()


def test_a_minute_between_the_clocks_is_forgiven(linked, issuer):
    issuer.changed = {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}
    visitor = Visitor()

    visitor.sign_in()

    assert visitor.name == "ann"


def test_an_answer_is_taken_once(linked, issuer):
    visitor = Visitor()
    back = sent_back(visitor.leave())
    visitor.come_back(back)
    visitor.client.post("/logout")

    again = visitor.come_back(back)

    assert again["Location"].startswith("/login?")
    assert visitor.name == ""
    assert issuer.asked.count("/token") == 2  # of the link and of the first answer


def test_an_answer_is_taken_from_the_browser_alone_that_left(linked, issuer):
    back = sent_back(Visitor().leave())
    stranger = Visitor()
    stranger.leave()  # it has a cookie of its own, too

    stranger.come_back(back)

    assert stranger.name == ""


def test_a_code_of_another_sign_in_is_worth_nothing(linked, issuer):
    attacker, victim = Visitor(), Visitor()
    stolen = parse_qs(urlsplit(sent_back(attacker.leave())).query)["code"][0]

    victim.come_back(sent_back(victim.leave()), code=stolen)

    assert victim.name == ""
    assert "Corp cannot be asked right now: 127.0.0.1 answered 400" in victim.told()


@pytest.mark.parametrize("brought", [{"iss": "http://elsewhere.example"}, {"iss": ""}], ids=["another", "none"])
def test_an_answer_in_the_name_of_another_provider_is_not_redeemed(brought, linked, issuer):
    visitor = Visitor()

    visitor.come_back(sent_back(visitor.leave()), **brought)

    assert visitor.name == ""
    assert issuer.asked.count("/token") == 1  # of the link


def test_a_provider_that_does_not_name_itself_need_not(linked, issuer):
    issuer.described["authorization_response_iss_parameter_supported"] = None
    forget_published()
    visitor = Visitor()

    visitor.come_back(sent_back(visitor.leave()), iss="")

    assert visitor.name == "ann"


def test_the_answer_to_one_provider_is_none_of_anothers(linked, issuer, settings):
    settings.OIDC_PROVIDERS += (issuer.provider(slug="other", name="Other"),)
    visitor = Visitor()
    back = urlsplit(sent_back(visitor.leave()))

    visitor.client.get(f"/login/oidc/other/callback?{back.query}")

    assert visitor.name == ""


def test_an_answer_is_over_after_ten_minutes(linked, issuer):
    visitor = Visitor()
    back = sent_back(visitor.leave())
    PendingSignIn.objects.update(expires_at="2020-01-01T00:00:00Z")

    visitor.come_back(back)

    assert visitor.name == ""


def test_a_no_of_the_provider_is_told(linked, issuer):
    issuer.answer = {"code": "", "error": "access_denied"}
    visitor = Visitor()

    visitor.sign_in()

    assert "Corp did not sign you in: it says no" in visitor.told()


@pytest.mark.parametrize(
    "target",
    ["//evil.example/x", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", "\t//evil.example"],
)
def test_nobody_is_led_off_the_site(target, linked, issuer):
    assert Visitor().sign_in(next=target)["Location"] == "/"
