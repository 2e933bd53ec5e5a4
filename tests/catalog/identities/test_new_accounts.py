"""Identities that have no account yet: who gets one, and how."""

from __future__ import annotations

import time

import pytest

from catalog.models import User
from marketplace.identity_providers import ANY_DOMAIN
from tests.catalog.identities.conftest import Visitor
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def signing_up(issuer, settings):
    settings.OIDC_PROVIDERS = (issuer.provider(signs_up=True, email_domains=frozenset({"example.org"})),)
    return issuer


def make_account(visitor: Visitor, page, **typed: str):
    given = {"ticket": page.context["ticket"], "next": page.context["target"], "name": "newcomer", "full_name": ""}
    return visitor.client.post("/login/new-account", given | typed)


def test_an_unknown_identity_chooses_a_name_and_has_an_account(signing_up, db):
    visitor = Visitor()

    page = visitor.sign_in(next="/models")
    assert page.context["form"].initial == {"name": "ann.there", "full_name": "Ann There"}
    answer = make_account(visitor, page, name="ann.there", full_name="Ann")

    made = User.objects.get(username="ann.there")
    assert (answer.status_code, answer["Location"], visitor.name) == (302, "/models", "ann.there")
    assert (made.email, made.full_name, made.has_usable_password()) == ("ann@example.org", "Ann", False)
    again = Visitor()
    again.sign_in()
    assert again.name == "ann.there"


def test_a_taken_name_is_suggested_with_a_number_and_refused_when_typed(signing_up, db):
    UserFactory(name="ann.there")
    visitor = Visitor()

    page = visitor.sign_in()
    assert page.context["form"].initial["name"] == "ann.there-2"
    refused = make_account(visitor, page, name="Ann.There")

    assert refused.status_code == 422
    assert "taken" in refused.content.decode()
    assert make_account(visitor, refused, name="ann.there-2").status_code == 302


def test_the_address_of_an_existing_account_opens_and_links_nothing(signing_up, ann):
    visitor = Visitor()

    page = visitor.sign_in()
    assert page.context["is_known_address"]
    assert visitor.name == ""
    make_account(visitor, page)

    made = User.objects.get(username="newcomer")
    assert visitor.name == "newcomer"
    assert made.email == ""  # letters to the address go to ann alone
    assert not ann.identities.exists()


@pytest.mark.parametrize(
    "said",
    [{"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": "ann@elsewhere.org"},
     {"email": "ann@example.org.evil.org"}, {"email": "ann@evil.org@example.org"}, {"email": None}, {"email": 5}],
    ids=str,
)  # fmt: skip
def test_no_account_without_a_verified_address_of_an_allowed_domain(said, signing_up, db):
    signing_up.changed = said
    visitor = Visitor()

    answer = visitor.sign_in()

    assert answer["Location"].startswith("/login?")
    assert not User.objects.exists()


def test_no_account_where_the_provider_makes_none(issuer, db):
    visitor = Visitor()

    answer = visitor.sign_in()

    assert answer["Location"].startswith("/login?")
    assert "your account there opens no account here" in visitor.told()
    assert not User.objects.exists()


def test_a_ticket_for_an_account_works_once_and_only_as_it_was_made(signing_up, db, settings):
    visitor = Visitor()
    page = visitor.sign_in()
    make_account(visitor, page)

    second = make_account(Visitor(), page, name="another")
    forged = Visitor().client.post("/login/new-account", {"ticket": page.context["ticket"] + "x", "name": "another"})
    settings.OIDC_PROVIDERS = (signing_up.provider(),)
    late = make_account(Visitor(), page, name="another")

    assert [answer["Location"].partition("?")[0] for answer in (second, forged, late)] == ["/login"] * 3
    assert [user.username for user in User.objects.all()] == ["newcomer"]


def test_any_domain_is_a_choice_an_operator_makes(issuer, settings, db):
    settings.OIDC_PROVIDERS = (issuer.provider(signs_up=True, email_domains=frozenset({ANY_DOMAIN})),)
    issuer.changed = {"email": "ann@elsewhere.org"}

    visitor = Visitor()

    assert make_account(visitor, visitor.sign_in()).status_code == 302


def test_a_newcomer_without_password_sets_recent_things_up_as_the_provider_says_when_they_signed_in(signing_up, db):
    signing_up.changed = {"auth_time": int(time.time()) - 7_200}
    visitor = Visitor()
    make_account(visitor, visitor.sign_in())

    answer = visitor.client.post("/settings/tokens", {"name": "x", "role": "read", "lifetime_days": "1"})

    assert answer["Location"].startswith("/login?again=yes")
