"""Following people and teams: over the Hub's routes, by the button, and what overviews say of it."""

from __future__ import annotations

import pytest

from catalog.actions.community import following
from catalog.errors import BadInput
from catalog.models import Follow, User
from tests.catalog.hub_api.conftest import Caller
from tests.factories import OrganisationFactory, UserFactory, token_of
from tests.raw_client import RawClient


@pytest.fixture
def acme(ann):
    return OrganisationFactory(name="acme", admin=ann)


def test_a_follow_counts_once_and_can_be_taken_back(acme, owner, other, stranger):
    for _ in range(2):
        assert other.json("POST", "/api/users/ANN/follow").status_code == 200
        assert other.json("POST", "/api/organizations/acme/follow").status_code == 200

    seen = other.get("/api/users/ann/overview").json()
    team = other.get("/api/organizations/acme/overview").json()
    assert (seen["isFollowing"], seen["numFollowers"], team["isFollowing"], team["numFollowers"]) == (True, 1, True, 1)
    assert not stranger.get("/api/users/ann/overview").json()["isFollowing"]
    assert other.get("/api/users/bob/overview").json()["numFollowing"] == 1
    assert [one["user"] for one in stranger.get("/api/users/ann/followers").json()] == ["bob"]
    assert [one["user"] for one in stranger.get("/api/users/bob/following").json()] == ["ann"]
    assert [one["user"] for one in stranger.get("/api/organizations/acme/followers").json()] == ["bob"]

    for path in ("users/ann", "organizations/acme", "organizations/acme"):
        assert other.json("DELETE", f"/api/{path}/follow").status_code == 200
    assert Follow.objects.count() == 0
    assert stranger.get("/api/users/ann/followers").json() == []


def test_who_may_follow(acme, ann, owner, reader, stranger):
    for path in ("users/ann", "organizations/acme"):
        assert stranger.json("POST", f"/api/{path}/follow").status_code == 401
        assert reader.json("POST", f"/api/{path}/follow").status_code == 403
    for path in ("users/nobody", "organizations/nobody", "users/acme", "organizations/ann"):
        assert owner.json("POST", f"/api/{path}/follow").status_code == 404, path
    assert owner.json("POST", "/api/users/ann/follow").status_code == 400  # oneself
    assert owner.json("POST", "/api/organizations/acme/follow").status_code == 200


def test_nobody_follows_without_end(ann, monkeypatch):
    monkeypatch.setattr(following, "MOST_FOLLOWED", 1)
    following.follow(namespace=UserFactory().namespace, actor=ann)

    with pytest.raises(BadInput, match="as many as one may"):
        following.follow(namespace=UserFactory().namespace, actor=ann)


def test_blocked_accounts_do_not_show(ann, other, stranger):
    other.json("POST", "/api/users/ann/follow")
    User.objects.filter(username="bob").update(is_active=False)

    assert stranger.get("/api/users/ann/followers").json() == []
    assert stranger.get("/api/users/ann/overview").json()["numFollowers"] == 0


def test_a_page_of_followers_leads_to_the_next(ann, stranger):
    for number in range(3):
        Caller(token_of(UserFactory(name=f"fan{number}"))).json("POST", "/api/users/ann/follow")

    first = stranger.get("/api/users/ann/followers?limit=2")
    rest = stranger.get(first["Link"].partition("testserver")[2].partition(">")[0])

    assert [one["user"] for one in first.json() + rest.json()] == ["fan2", "fan1", "fan0"]


def test_the_button_on_the_page_toggles(ann, acme):
    browser = RawClient()
    assert browser.post("/settings/follow/ann").status_code == 401
    assert 'href="/login?next=/ann"' in browser.get("/ann").content.decode()
    browser.force_login(UserFactory(name="carl"))

    pressed = []
    for name in ("ann", "acme", "ann"):
        assert browser.post(f"/settings/follow/{name}")["Location"] == f"/{name}"
        pressed.append('aria-pressed="true"' in browser.get(f"/{name}").content.decode())

    assert pressed == [True, True, False]
    assert "acme" in browser.get("/users/carl/following").content.decode()
    assert "carl" in browser.get("/users/acme/followers").content.decode()
    assert "aria-pressed" not in browser.get("/carl").content.decode()  # nobody follows themselves
    assert browser.get("/users/acme/following").status_code == 404  # a team follows nobody
