"""Accounts elsewhere linked and taken away in the settings, and signing in again by them."""

from __future__ import annotations

import time

import pytest

from catalog import actors
from catalog.models import AuditEntry, ExternalIdentity, PendingSignIn, User
from marketplace.identity_providers import ANY_DOMAIN
from tests.catalog.identities.conftest import Visitor, sent_back
from tests.factories import UserFactory
from tests.sessions import an_hour_ago

pytestmark = pytest.mark.django_db

HERE = "/settings/sign-in"


def test_linking_takes_a_session_that_began_lately(ann, issuer):
    visitor = Visitor(ann)
    an_hour_ago(visitor.client)

    answer = visitor.client.post(f"{HERE}/corp/link")

    assert answer["Location"].startswith("/login?again=yes")
    assert not PendingSignIn.objects.exists()


def test_a_link_that_comes_back_to_another_session_is_not_made(ann, issuer):
    visitor = Visitor(ann)
    back = sent_back(visitor.leave_to_link())
    visitor.client.force_login(UserFactory(name="bob"))

    visitor.come_back(back)

    assert not ExternalIdentity.objects.exists()


def test_an_identity_of_one_person_cannot_be_linked_by_another(linked, issuer):
    bob = Visitor(UserFactory(name="bob"))

    bob.link()

    assert "belongs to another account" in bob.told(HERE)
    assert ExternalIdentity.objects.get().user == linked


def test_linking_twice_is_linking_once(linked, issuer):
    Visitor(linked).link()

    assert linked.identities.count() == 1


def test_the_settings_show_what_signs_one_in(linked, issuer):
    told = Visitor(linked).told(HERE)

    assert "Corp ann@example.org not used yet" in told


def test_an_identity_is_taken_away_and_signs_nobody_in_any_more(linked, issuer):
    person, visitor = Visitor(linked), Visitor()

    person.client.post(f"{HERE}/{linked.identities.get().pk}/remove")
    visitor.sign_in()

    assert visitor.name == ""
    assert AuditEntry.objects.filter(action="identity.unlink", actor=linked).exists()


def test_the_last_way_to_sign_in_stays(linked, issuer):
    linked.set_unusable_password()
    linked.save()
    person = Visitor(linked)

    person.client.post(f"{HERE}/{linked.identities.get().pk}/remove")

    assert linked.identities.exists()
    assert "your only way to sign in" in person.told(HERE)


def test_an_identity_of_a_provider_that_is_gone_is_no_way_to_sign_in(linked, issuer, settings):
    linked.set_unusable_password()
    linked.save()
    ExternalIdentity.objects.create(user=linked, issuer="https://gone.example", subject="1")
    person = Visitor(linked)

    person.client.post(f"{HERE}/{linked.identities.get(issuer=issuer.url).pk}/remove")

    assert linked.identities.count() == 2
    assert "not offered here any more" in person.told(HERE)


def test_others_identities_cannot_be_taken_away(linked, issuer):
    bob = Visitor(UserFactory(name="bob"))

    assert bob.client.post(f"{HERE}/{linked.identities.get().pk}/remove").status_code == 404
    assert linked.identities.exists()


def test_signing_in_again_asks_the_provider_for_a_real_sign_in(linked, issuer):
    visitor = Visitor(linked)
    an_hour_ago(visitor.client)

    visitor.sign_in(again="yes", next="/settings/tokens")

    assert (issuer.authorized[-1]["prompt"], issuer.authorized[-1]["max_age"]) == ("login", "3600")
    made = visitor.client.post("/settings/tokens", {"name": "x", "role": "read", "lifetime_days": "1"})
    assert "Your new token" in made.content.decode()


@pytest.mark.parametrize("said", [{"auth_time": None}, {"auth_time": 1_000_000_000}], ids=["untold", "old"])
def test_a_provider_that_has_not_asked_anew_makes_nothing_recent(said, linked, issuer):
    issuer.changed = said
    visitor = Visitor(linked)
    an_hour_ago(visitor.client)

    visitor.sign_in(again="yes", next="/settings/tokens")

    assert "did not make you sign in anew" in visitor.told("/settings/profile")
    made = visitor.client.post("/settings/tokens", {"name": "x", "role": "read", "lifetime_days": "1"})
    assert made["Location"].startswith("/login?again=yes")


def test_a_provider_that_never_says_when_may_be_believed_by_the_operator(linked, issuer, settings):
    settings.OIDC_PROVIDERS = (issuer.provider(is_fresh_untold=True),)
    issuer.changed = {"auth_time": None}
    visitor = Visitor()

    visitor.sign_in()

    assert time.time() - visitor.client.session[actors.SIGNED_IN_AT] < 60


def test_somebody_signed_in_is_offered_no_second_account(ann, issuer, settings):
    settings.OIDC_PROVIDERS = (issuer.provider(signs_up=True, email_domains=frozenset({ANY_DOMAIN})),)
    visitor = Visitor(ann)

    answer = visitor.sign_in(again="yes")

    assert answer["Location"].startswith("/login?")
    assert User.objects.count() == 1
