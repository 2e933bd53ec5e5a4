"""Who may ask at all, and who may read the numbers."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from tests.factories import UserFactory, token_of
from tests.raw_client import RawClient

pytestmark = pytest.mark.django_db
OUTSIDE, BLOCKED = "198.51.100.7", "203.0.113.9"


@pytest.fixture
def blocking(settings):
    settings.BLOCKED_NETWORKS = [ip_network("203.0.113.0/24")]


@pytest.mark.parametrize(
    "path", ["/", "/models", "/api/models", "/api/v1/models", "/login", "/node_api/claim", "/a/b/info/refs"]
)
def test_a_blocked_network_gets_nothing_whatever_it_holds(path, blocking):
    person = RawClient()
    person.force_login(user := UserFactory(is_admin=True))

    by_cookie = person.get(path, REMOTE_ADDR=BLOCKED)
    by_token = RawClient().get(path, REMOTE_ADDR=BLOCKED, headers={"Authorization": f"Bearer {token_of(user)}"})

    assert (by_cookie.status_code, by_token.status_code) == (403, 403)
    assert by_token["X-Error-Code"] == "NetworkBlocked"
    assert RawClient().get(path, REMOTE_ADDR=OUTSIDE).get("X-Error-Code") != "NetworkBlocked"


def test_behind_a_proxy_the_client_counts_and_nobody_claims_another_address(blocking, settings):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]

    def status(peer, said):
        return RawClient().get("/api/models", REMOTE_ADDR=peer, headers={"X-Forwarded-For": said}).status_code

    assert status("10.0.0.1", BLOCKED) == 403
    assert status("10.0.0.1", OUTSIDE) == 200
    assert status(BLOCKED, OUTSIDE) == 403


def test_numbers_are_told_to_this_machine():
    told = RawClient().get("/metrics", REMOTE_ADDR="127.0.0.1")

    assert told.status_code == 200
    assert "marketplace_storage_headroom_bytes " in told.content.decode()
    assert 'marketplace_database_connections{state="active"}' in told.content.decode()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_numbers_are_told_to_nobody_else(header):
    outside = RawClient().get("/metrics", REMOTE_ADDR=OUTSIDE)
    through_a_proxy = RawClient().get("/metrics", REMOTE_ADDR="127.0.0.1", headers={header: OUTSIDE})

    assert (outside.status_code, through_a_proxy.status_code) == (404, 404)
    assert "marketplace_" not in outside.content.decode()
