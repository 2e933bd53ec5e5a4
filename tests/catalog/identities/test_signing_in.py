"""To the provider and back over real HTTP: signing in, and second factors."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.models import AuditEntry, ExternalIdentity
from tests.catalog.identities.conftest import Visitor, forget_published
from tests.factories.second_factors import enrolled
from tests.issuer import EC_KEY, RSA_KEY

pytestmark = pytest.mark.django_db


def test_a_linked_account_signs_its_person_in_and_leads_on(linked, issuer):
    visitor = Visitor()

    answer = visitor.sign_in(next="/models?task=asr")

    assert (answer.status_code, answer["Location"]) == (302, "/models?task=asr")
    assert visitor.name == "ann"
    assert ExternalIdentity.objects.get().last_used_at is not None
    assert AuditEntry.objects.filter(action="identity.sign_in", actor=linked).exists()


def test_the_provider_is_asked_with_a_challenge_a_nonce_and_a_state_that_are_new_each_time(linked, issuer):
    first, second = ({k: v[0] for k, v in parse_qs(urlsplit(Visitor().leave()).query).items()} for _ in range(2))

    assert first["code_challenge_method"] == "S256"
    assert first["scope"] == "openid email profile"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 43
        assert first[name] != second[name]
    assert "code_verifier" not in first


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS256", "ES256"])
def test_both_usual_kinds_of_keys_are_good(key, linked, issuer):
    issuer.key = key
    visitor = Visitor()

    visitor.sign_in()

    assert visitor.name == "ann"


def test_a_provider_that_takes_the_secret_in_the_body_only_gets_it_there(linked, issuer, monkeypatch):
    issuer.described["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    forms = []
    monkeypatch.setattr(
        issuer, "redeem", lambda form, authorization: (forms.append((form, authorization)), (400, {}))[1]
    )
    forget_published()

    Visitor().sign_in()

    ((form, authorization),) = forms
    assert form["client_secret"] == "s3cret of the client/+"
    assert authorization == ""


def test_the_buttons_lead_to_each_provider(client, issuer, settings):
    settings.OIDC_PROVIDERS = (issuer.provider(), issuer.provider(slug="other", name="Other"))

    page = client.get("/login?next=/models").content.decode()

    assert 'href="/login/oidc/corp?next=/models"' in page.replace("%2F", "/")
    assert "Sign in with Other" in page


def test_without_providers_the_sign_in_shows_no_button(client, db):
    assert "/login/oidc/" not in client.get("/login").content.decode()


def test_the_second_factor_is_asked_for_after_the_provider(linked, issuer):
    app, visitor = enrolled(linked), Visitor()

    page = visitor.sign_in(next="/models")

    assert visitor.name == ""
    assert b"Corp knows you" in page.content
    answer = visitor.client.post(
        "/login/code", {"ticket": page.context["ticket"], "next": page.context["target"], "code": app.code()}
    )
    assert answer["Location"] == "/models"
    assert visitor.name == "ann"


@pytest.mark.parametrize(
    ("said", "signs_in"),
    [
        ({"acr": "urn:mfa"}, True),
        ({"acr": "urn:password"}, False),
        ({"amr": ["pwd", "otp"]}, True),
        ({"amr": ["pwd"]}, False),
    ],
)
def test_a_provider_may_have_asked_for_it_itself_where_the_settings_believe_it(
    said, signs_in, linked, issuer, settings
):
    settings.OIDC_PROVIDERS = (issuer.provider(strong_acr=("urn:mfa",), strong_amr=frozenset({"otp"})),)
    enrolled(linked)
    issuer.changed = said
    visitor = Visitor()

    visitor.sign_in()

    assert issuer.authorized[-1]["acr_values"] == "urn:mfa"
    assert (visitor.name == "ann") is signs_in


def test_what_the_provider_says_of_it_counts_for_nothing_unless_the_settings_say_so(linked, issuer):
    enrolled(linked)
    issuer.changed = {"acr": "urn:mfa", "amr": ["otp"]}
    visitor = Visitor()

    visitor.sign_in()

    assert visitor.name == ""
