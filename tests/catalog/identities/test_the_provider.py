"""Providers that change their keys, are slow, large or lie about themselves."""

from __future__ import annotations

import pytest

from catalog.actions.people import identity_tokens
from catalog.upstream import openid
from tests.catalog.identities.conftest import Visitor, forget_published
from tests.issuer import EC_KEY, SigningKey

pytestmark = pytest.mark.django_db


def test_new_keys_are_fetched_once_when_an_unknown_one_signs(linked, issuer):
    issuer.key = SigningKey("new", "RS256")
    issuer.keys = [issuer.key]
    before = issuer.asked.count("/jwks")
    visitor = Visitor()

    visitor.sign_in()
    assert visitor.name == "ann"
    issuer.key = SigningKey("made up", "RS256")
    for _index in range(3):
        Visitor().sign_in()

    assert issuer.asked.count("/jwks") == before + 1


def test_a_key_that_is_withdrawn_signs_nobody_in(linked, issuer):
    issuer.keys = [EC_KEY]
    forget_published()
    visitor = Visitor()

    visitor.sign_in()

    assert visitor.name == ""


def test_too_many_keys_are_not_read(linked, issuer):
    issuer.padding = "x" * openid.MOST_BYTES
    forget_published()
    visitor = Visitor()

    visitor.sign_in()

    assert visitor.name == ""
    assert "larger than we read" in visitor.told()


def test_a_provider_that_trickles_is_left(linked, issuer, monkeypatch):
    monkeypatch.setattr(openid, "MOST_SECONDS", 1.0)
    forget_published()
    issuer.trickles = True
    visitor = Visitor()

    answer = visitor.client.get("/login/oidc/corp")

    assert answer["Location"].startswith("/login?")
    assert "Corp cannot be asked right now: 127.0.0.1 did not answer in time" in visitor.told()
    assert issuer.left.wait(30)


@pytest.mark.parametrize(
    "described",
    [{"issuer": "http://127.0.0.1:1"}, {"jwks_uri": None}, {"jwks_uri": "file:///etc/passwd"},
     {"token_endpoint": "http://169.254.169.254/latest"}, {"authorization_endpoint": "javascript:alert(1)"}],
    ids=str,
)  # fmt: skip
def test_a_provider_that_describes_itself_wrongly_is_not_asked(described, issuer, db):
    issuer.described = described
    visitor = Visitor()

    answer = visitor.client.get("/login/oidc/corp")

    assert answer["Location"].startswith("/login?")
    assert "Corp cannot be asked right now" in visitor.told()


def test_a_provider_inside_is_asked_only_when_it_is_named(issuer, settings, db):
    settings.OIDC_ALLOWED_HOSTS = []

    answer = Visitor().client.get("/login/oidc/corp")

    assert answer["Location"].startswith("/login?")
    assert issuer.asked == []


def test_sign_ins_do_not_wait_for_a_slow_provider_in_more_than_four_threads(issuer, db):
    slots = identity_tokens.providers._slots
    held = [slots.acquire(blocking=False) for _index in range(openid.MOST_AT_ONCE)]
    try:
        visitor = Visitor()
        visitor.client.get("/login/oidc/corp")
        assert "too many sign-ins wait" in visitor.told()
    finally:
        for _one in held:
            slots.release()


def test_a_browser_is_not_sent_there_for_ever(issuer, db, monkeypatch):
    monkeypatch.setattr("catalog.actions.people.identity_flow.STARTS", 2)

    answers = [Visitor().client.get("/login/oidc/corp").status_code for _index in range(3)]

    assert answers == [302, 302, 429]


def test_what_comes_back_is_hidden_in_the_logs():
    from marketplace.logs import redacted

    assert redacted("GET /login/oidc/corp/callback?code=abc&state=def&iss=x") == (
        "GET /login/oidc/corp/callback?code=…&state=…&iss=x"
    )
