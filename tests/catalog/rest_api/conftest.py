"""The REST API as programs see it: JSON in and out, a bearer token or a session."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.factories import UserFactory, token_of
from tests.raw_client import RawClient


class Api:
    """A client of `/api/v1`; with a user it sends a token of theirs."""

    def __init__(self, user=None, role="write"):
        self.client = RawClient()
        self.headers = {"Authorization": f"Bearer {token_of(user, role)}"} if user else {}

    def __getattr__(self, method):
        def send(path, body=None, **headers):
            extra = {} if method in {"get", "head"} else {"data": body, "content_type": "application/json"}
            return getattr(self.client, method)(f"/api/v1/{path}", **extra, headers={**self.headers, **headers})

        return send


@pytest.fixture
def person(db):
    return UserFactory()


@pytest.fixture
def session(person):
    """A browser in which this person signed in just now."""
    client = RawClient()
    client.force_login(person)
    return client


@pytest.fixture
def api():
    """`api()` is a stranger, `api(user)` has a token, `api(user, "read")` a read token."""
    cache.clear()
    return Api
