from __future__ import annotations

import http.client
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.utils.html import strip_tags

from catalog.actions.people import identity_tokens
from catalog.models import User
from tests.factories import UserFactory
from tests.issuer import Issuer
from tests.raw_client import RawClient

PASSWORD = "a-long-enough-secret"


def forget_published() -> None:
    """As if an hour had passed since providers were asked about themselves."""
    identity_tokens.providers._kept.clear()


@pytest.fixture
def issuer(settings):
    """A provider, named in the settings as `corp`."""
    cache.clear()
    forget_published()
    with Issuer.listening() as server:
        settings.OIDC_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
        settings.OIDC_PROVIDERS = (server.provider(),)
        yield server


@pytest.fixture
def ann(db):
    return UserFactory(name="ann", password=PASSWORD, email="ann@example.org")


class Visitor:
    """A browser that goes to the provider and back."""

    def __init__(self, user=None) -> None:
        self.client = RawClient()
        if user is not None:
            self.client.force_login(user)

    def leave(self, **query: str) -> str:
        """Returns where the sign-in sends this browser."""
        answer = self.client.get("/login/oidc/corp", query)
        assert answer.status_code == 302, answer.status_code
        return answer["Location"]

    def leave_to_link(self) -> str:
        page = self.client.post("/settings/sign-in/corp/link")
        assert page.status_code == 200, page.get("Location")
        return page.context["url"]

    def come_back(self, url: str, **changed: str):
        """Returns the answer to what the provider sent; `changed` parameters are another's."""
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changed
        return self.client.get(parts.path, {name: value for name, value in query.items() if value})

    def sign_in(self, **query: str):
        return self.come_back(sent_back(self.leave(**query)))

    def link(self):
        return self.come_back(sent_back(self.leave_to_link()))

    @property
    def name(self) -> str:
        """Who is signed in; "" when nobody is. No page is looked at: it would show a message that is looked for."""
        cookie = self.client.cookies.get("sessionid")
        if cookie is None or not cookie.value:
            return ""
        return (
            User.objects.filter(pk=self.client.session.get(SESSION_KEY)).values_list("username", flat=True).first()
            or ""
        )

    def told(self, path: str = "/login?again=yes") -> str:
        return " ".join(strip_tags(self.client.get(path).content.decode()).split())


def sent_back(url: str) -> str:
    """Returns where the provider sends a browser that comes with this address, over HTTP."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 302
        return answer.headers["Location"]
    finally:
        connection.close()


@pytest.fixture
def linked(ann, issuer):
    """ann, whose account at the provider signs her in."""
    Visitor(ann).link()
    return ann
