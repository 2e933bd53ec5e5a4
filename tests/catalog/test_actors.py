"""Who a request comes from: what counts as a credential, and when it ends."""

import base64
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from catalog import actors
from catalog.actors import ANONYMOUS
from catalog.errors import BadCredentials
from catalog.models import AccessToken, User
from tests.factories import UserFactory, token_of

pytestmark = pytest.mark.django_db


def request_with(authorization=None, user=None):
    headers = {"Authorization": authorization} if authorization is not None else {}
    request = RequestFactory().get("/", headers=headers)
    request.user = user or AnonymousUser()
    return request


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_token_is_taken_from_bearer_and_from_the_password_of_basic():
    user = UserFactory()
    secret = token_of(user, "read")

    for header in (f"Bearer {secret}", f"bearer  {secret}", basic(f"anything:{secret}")):
        actor = actors.actor_of(request_with(header))
        assert (actor.user, actor.may_write) == (user, False)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer hf_short", "Bearer hf_" + "a" * 40, "Basic !!!", basic("no-colon"), "Digest x", "x"]
)
def test_a_header_without_a_usable_token_is_an_error_and_never_ignored(header):
    with pytest.raises(BadCredentials):
        actors.actor_of(request_with(header, user=UserFactory()))


def test_a_token_wins_over_the_cookie():
    user, other = UserFactory.create_batch(2)

    assert actors.actor_of(request_with(f"Bearer {token_of(user)}", user=other)).user == user
    assert actors.actor_of(request_with(user=other)).user == other
    assert actors.token_actor_of(request_with(user=other)) == ANONYMOUS


@pytest.mark.parametrize("end", ["expired", "revoked", "blocked"])
def test_a_token_ends_with_its_time_its_row_or_its_owner(end):
    user = UserFactory()
    secret = token_of(user)
    tokens = AccessToken.objects.filter(user=user)
    if end == "expired":
        tokens.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        tokens.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    with pytest.raises(BadCredentials):
        actors.actor_of(request_with(f"Bearer {secret}"))


def test_the_last_use_of_a_token_is_noted_once_in_a_while(django_assert_num_queries):
    user = UserFactory()
    header = f"Bearer {token_of(user)}"
    actors.actor_of(request_with(header))

    with django_assert_num_queries(1):
        actors.actor_of(request_with(header))
    assert user.tokens.get().last_used_at is not None
