"""Tokens over REST: shown once, made by people only, revocable."""

from __future__ import annotations

import pytest
from django.utils import timezone

from catalog.models import AccessToken
from tests.factories import UserFactory, token_of
from tests.raw_client import RawClient
from tests.sessions import an_hour_ago

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/tokens"


def make(client, **body):
    return client.post(ADDRESS, {"name": "laptop", "role": "read", **body}, content_type="application/json")


def test_a_new_token_is_shown_once_and_works(session, api):
    made = make(session)
    listed = session.get(ADDRESS)

    secret = made.json()["token"]
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    assert RawClient().get(ADDRESS, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert secret not in listed.content.decode()
    assert listed.json()["results"][0]["last_four"] == secret[-4:]


def test_a_token_cannot_make_tokens(api, person):
    answer = api(person).post("tokens", {"name": "more", "role": "write"})

    assert (answer.status_code, answer["X-Error-Code"]) == (403, "NotAllowed")
    assert person.tokens.count() == 1


def test_an_old_session_must_sign_in_again(session, person):
    an_hour_ago(session)
    person.last_login = timezone.now()  # somebody signed in elsewhere: that makes this session no younger
    person.save()

    answer = make(session)

    assert (answer.status_code, answer["X-Error-Code"]) == (403, "SignInAgain")
    assert not AccessToken.objects.exists()


def test_a_session_needs_the_csrf_token_and_json(person):
    client = RawClient(enforce_csrf_checks=True)
    client.force_login(person)

    forged = make(client)
    plain = client.post(ADDRESS, '{"name": "x", "role": "read"}', content_type="text/plain")

    assert (forged.status_code, plain.status_code) == (403, 403)
    assert not AccessToken.objects.exists()


def test_a_bearer_token_counts_and_the_cookie_beside_it_does_not(person, session):
    other = UserFactory()

    answer = session.get(ADDRESS, headers={"Authorization": f"Bearer {token_of(other)}"})

    assert len(answer.json()["results"]) == 1
    assert AccessToken.objects.get(pk=answer.json()["results"][0]["id"]).user == other


@pytest.mark.parametrize("header", ["Bearer hf_wrong", "Token abc", "Bearer", "Basic !!!"])
def test_a_bad_token_is_401_even_where_nobody_need_sign_in(api, header):
    answer = api().get("models", Authorization=header)

    assert answer.status_code == 401
    assert answer["X-Error-Code"] == "BadCredentials"


@pytest.mark.parametrize("body", [{"role": "admin"}, {"name": ""}, {"lifetime_days": 0}, {"lifetime_days": 366}])
def test_a_token_out_of_bounds_is_refused(session, body):
    assert make(session, **body).status_code == 400


def test_a_name_is_used_once(session):
    make(session)

    answer = make(session)

    assert (answer.status_code, answer["X-Error-Code"]) == (409, "NameTaken")


def test_tokens_are_revoked_by_their_owner_alone(session, person, api):
    token_of(person)
    mine = person.tokens.get()
    theirs = api(UserFactory())

    foreign = theirs.delete(f"tokens/{mine.pk}")
    own = session.delete(f"{ADDRESS}/{mine.pk}")

    assert (foreign.status_code, own.status_code) == (404, 204)
    assert not person.tokens.exists()


def test_a_token_may_revoke_itself_but_no_other(api, person):
    client = api(person)
    token_of(person)
    first, second = person.tokens.order_by("pk")

    assert client.delete(f"tokens/{second.pk}").status_code == 403
    assert client.delete(f"tokens/{first.pk}").status_code == 204
    assert list(person.tokens.all()) == [second]


def test_strangers_have_no_tokens(api):
    assert api().get("tokens").status_code == 401
