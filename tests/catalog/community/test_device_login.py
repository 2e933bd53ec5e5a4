"""A program signs in through a browser: only an approved code becomes a token, and only once."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.utils import timezone

from catalog.models import AccessToken, DeviceLogin
from tests.catalog.hub_api.conftest import Caller
from tests.raw_client import RawClient

CLIENT = "26be6b09-91c5-47da-9861-d2d2bb7a7e36"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(autouse=True)
def forget_counts(db):
    cache.clear()


def form(path, **fields):
    body = urlencode({"client_id": CLIENT, **fields}).encode()
    return Caller().request("POST", path, body, content_type="application/x-www-form-urlencoded")


def poll(started):
    DeviceLogin.objects.update(polled_at=None)  # as if the program had waited
    return form("/oauth/token", grant_type=DEVICE_CODE, device_code=started["device_code"])


@pytest.fixture
def started():
    return form("/oauth/device").json()


@pytest.fixture
def browser(ann):
    person = RawClient()
    person.force_login(ann)
    return person


def answer(browser, started, yes="yes", role="write"):
    return browser.post("/oauth/approve", {"user_code": started["user_code"], "answer": yes, "role": role})


@pytest.mark.parametrize("role", ["read", "write"])
def test_an_approved_program_gets_one_token_that_ends(role, ann, browser, started):
    assert poll(started).json()["error"] == "authorization_pending"
    page = browser.get("/oauth/approve?" + started["verification_uri_complete"].partition("?")[2])
    assert started["user_code"] in page.content.decode()

    answer(browser, started, role=role)
    granted = poll(started)

    assert granted["Cache-Control"] == "no-store"
    me = Caller(granted.json()["access_token"]).get("/api/whoami-v2").json()
    assert (me["name"], me["auth"]["accessToken"]["role"]) == ("ann", role)
    token = AccessToken.objects.get(user=ann)
    assert timedelta(days=29) < token.expires_at - timezone.now() < timedelta(days=31)
    assert poll(started).json()["error"] == "invalid_grant"


def test_a_refresh_token_works_once_and_ends_the_old_token(browser, started):
    answer(browser, started)
    first = poll(started).json()

    second = form("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"]).json()

    assert Caller(second["access_token"]).get("/api/whoami-v2").status_code == 200
    assert Caller(first["access_token"]).get("/api/whoami-v2").status_code == 401
    again = form("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_no_is_no_and_time_runs_out(browser, started):
    answer(browser, started, yes="no")
    assert poll(started).json()["error"] == "access_denied"

    late = form("/oauth/device").json()
    DeviceLogin.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert poll(late).json()["error"] == "expired_token"
    assert browser.get(f"/oauth/approve?user_code={late['user_code']}").status_code == 404
    assert not AccessToken.objects.exists()


def test_who_polls_too_often_is_told_so(started):
    form("/oauth/token", grant_type=DEVICE_CODE, device_code=started["device_code"])

    hasty = form("/oauth/token", grant_type=DEVICE_CODE, device_code=started["device_code"])

    assert (hasty.status_code, hasty.json()["error"]) == (400, "slow_down")


def test_approval_needs_a_signed_in_person_and_a_real_code(browser, started):
    page = RawClient().get(f"/oauth/approve?user_code={started['user_code']}")
    assert page["Location"].startswith("/login?next=%2Foauth%2Fapprove")
    assert answer(RawClient(), started).status_code == 401
    assert browser.get("/oauth/approve").status_code == 200
    assert browser.get("/oauth/approve?user_code=XXXX-XXXX").status_code == 404
    assert poll(started).json()["error"] == "authorization_pending"


def test_wrong_requests_are_refused_in_the_protocols_words():
    assert form("/oauth/token", grant_type="password").json()["error"] == "unsupported_grant_type"
    assert form("/oauth/token", grant_type=DEVICE_CODE, device_code="x").json()["error"] == "invalid_grant"
    assert Caller().json("POST", "/oauth/token", {"grant_type": "x"}).json()["error"] == "unsupported_grant_type"
    assert form("/oauth/device", client_id="").status_code == 400
    assert Caller().request("POST", "/oauth/device", b"x", content_type="text/plain").status_code == 400


def test_one_address_may_not_fill_the_table(started):
    answers = [form("/oauth/device").status_code for _ in range(35)]

    assert answers[0] == 200
    assert answers[-1] == 429
