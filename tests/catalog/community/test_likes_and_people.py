"""Likes and the people behind them: counted once, told only of what one may see."""

from __future__ import annotations

import pytest

from catalog.actions import repos
from catalog.models import RepoFacts
from tests.catalog.hub_api.conftest import Caller
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, token_of
from tests.raw_client import RawClient


@pytest.fixture
def model(ann):
    return RepoFactory(actor=ann, name="model")


def test_a_like_counts_once_and_can_be_taken_back(model, owner, other, stranger):
    for _ in range(2):
        assert other.json("POST", "/api/models/ann/model/like").status_code == 200

    assert stranger.get("/api/models/ann/model").json()["likes"] == 1
    (liker,) = stranger.get("/api/models/ann/model/likers").json()
    assert (liker["user"], liker["fullname"]) == ("bob", "bob")
    assert liker["avatarUrl"].startswith("http")
    assert stranger.get("/api/users/BOB/likes").json()[0]["repo"] == {"name": "ann/model", "type": "model"}
    for _ in range(2):
        assert other.json("DELETE", "/api/models/ann/model/like").status_code == 200
    assert RepoFacts.objects.get(repo=model).likes == 0
    assert stranger.json("POST", "/api/models/ann/model/like").status_code == 401


def test_likes_order_lists(model, ann, other):
    second = RepoFactory(actor=ann, name="second")
    other.json("POST", f"/api/models/{second.full_name}/like")

    listed = other.get("/api/models?sort=likes").json()

    assert [(one["id"], one["likes"]) for one in listed] == [("ann/second", 1), ("ann/model", 0)]


def test_what_became_private_is_gone_from_the_likes_strangers_see(model, ann, owner, other, stranger):
    other.json("POST", "/api/models/ann/model/like")
    repos.change_settings(repo=model, visibility="private", actor=ann)

    assert stranger.get("/api/users/bob/likes").json() == []
    assert stranger.get("/api/users/bob/overview").json()["numLikes"] == 0
    for method, path in (("POST", "like"), ("DELETE", "like"), ("GET", "likers")):
        hidden = other.json(method, f"/api/models/ann/model/{path}")
        absent = other.json(method, f"/api/models/ann/nothing/{path}")
        assert hidden.status_code == absent.status_code == 404
        assert hidden["X-Error-Code"] == absent["X-Error-Code"] == "RepoNotFound"


def test_overviews_count_what_the_reader_may_see(ann, owner, stranger, model):
    RepoFactory(actor=ann, name="secret", visibility="private")
    RepoFactory(actor=ann, name="data", kind="dataset")
    RepoFactory(actor=ann, name="app", kind="space")
    OrganisationFactory(name="acme", full_name="Acme Ltd", admin=ann, members={"read": [UserFactory(name="bob")]})

    seen, own = stranger.get("/api/users/ann/overview").json(), owner.get("/api/users/ANN/overview").json()
    team = stranger.get("/api/organizations/acme/overview").json()

    assert (seen["user"], seen["fullname"], seen["type"]) == ("ann", "Ann Example", "user")
    assert (seen["numModels"], own["numModels"], seen["numDatasets"], seen["numSpaces"]) == (1, 2, 1, 1)
    assert [one["name"] for one in seen["orgs"]] == ["acme"]
    assert (team["name"], team["fullname"], team["numUsers"]) == ("acme", "Acme Ltd", 2)
    assert {one["user"] for one in stranger.get("/api/organizations/acme/members").json()} == {"ann", "bob"}
    for path in ("users/ann/followers", "users/ann/following", "organizations/acme/followers"):
        assert stranger.get(f"/api/{path}").json() == []
    for path in ("users/no/overview", "users/no/followers", "users/no/likes", "organizations/no/members"):
        assert stranger.get(f"/api/{path}").status_code == 404


def test_people_see_what_their_own_repos_weigh(ann, owner, other, stranger, model):
    commit_content(model, {"a.bin": b"x" * 1000})
    acme = OrganisationFactory(name="acme", admin=ann)
    RepoFactory(actor=ann, namespace=acme.namespace, name="shared")

    (listed,) = owner.get("/api/settings/repositories").json()

    assert (listed["id"], listed["type"], listed["visibility"]) == ("ann/model", "model", "public")
    assert listed["storage"] >= 1000
    assert owner.get("/api/organizations/acme/settings/repositories").json()[0]["id"] == "acme/shared"
    assert other.get("/api/organizations/acme/settings/repositories").status_code == 403
    assert stranger.get("/api/settings/repositories").status_code == 401


def test_a_page_of_likers_leads_to_the_next(model, stranger):
    for number in range(3):
        Caller(token_of(UserFactory(name=f"fan{number}"))).json("POST", "/api/models/ann/model/like")

    first = stranger.get("/api/models/ann/model/likers?limit=2")
    rest = stranger.get(first["Link"].partition("testserver")[2].partition(">")[0])

    assert [one["user"] for one in first.json() + rest.json()] == ["fan2", "fan1", "fan0"]
    assert "Link" not in rest


def test_spaces_are_repos_of_files(owner, other, stranger):
    created = owner.json("POST", "/api/repos/create", {"name": "app", "type": "space", "sdk": "gradio"})
    owner.json("POST", "/api/repos/create", {"name": "hidden", "type": "space", "sdk": "static", "private": True})

    assert created.json()["url"].endswith("/spaces/ann/app")
    assert stranger.get("/api/spaces/ann/app").json()["sdk"] == "gradio"
    assert stranger.head("/spaces/ann/app/resolve/main/.gitattributes").status_code == 200
    assert [one["id"] for one in stranger.get("/api/spaces").json()] == ["ann/app"]
    assert stranger.get("/api/models").json() == []
    assert stranger.get("/api/spaces/ann/hidden").status_code == 401
    for path in ("/spaces", "/spaces/ann/app", "/spaces/ann/app/tree/main", "/spaces/counted"):
        assert RawClient().get(path).status_code == 200, path
    assert RawClient().get("/spaces/ann/hidden").status_code == 404


def test_a_space_begins_with_a_card_that_names_its_sdk(owner, stranger):
    for name, sdk in (("my-first_app", "gradio"), ("2024", "no"), ("bare", "")):
        owner.json("POST", "/api/repos/create", {"name": name, "type": "space", "sdk": sdk})

    card = stranger.get("/api/spaces/ann/my-first_app").json()["cardData"]
    assert card == {"title": "My First App", "sdk": "gradio"}
    assert stranger.get("/api/spaces/ann/2024").json()["cardData"] == {"title": "2024", "sdk": "no"}
    files = [one["path"] for one in stranger.get("/api/spaces/ann/bare/tree/main").json()]
    assert files == [".gitattributes"]


def test_a_bare_id_is_a_repo_that_is_not_there(owner):
    for method in ("POST", "DELETE"):
        refused = owner.json(method, "/api/models/gpt2/like")
        assert (refused.status_code, refused["X-Error-Code"]) == (404, "RepoNotFound")


def test_the_button_on_the_page_toggles(model, other):
    reader = RawClient()
    assert reader.post("/ann/model/like").status_code == 401
    reader.force_login(UserFactory(name="carl"))

    counts = []
    for _ in range(2):
        reader.post("/ann/model/like")
        counts.append(RepoFacts.objects.get(repo=model).likes)

    assert counts == [1, 0]
    assert reader.get("/ann/model").status_code == 200


def test_a_like_is_a_button_that_says_whether_it_is_pressed(model):
    browser = RawClient()
    browser.force_login(UserFactory(name="carl"))

    assert browser.post("/ann/model/like")["Location"] == "/ann/model"
    liked = browser.get("/ann/model").content.decode()
    listed = RawClient().get("/carl").content.decode()
    browser.post("/ann/model/like")

    assert 'aria-pressed="true"' in liked
    assert 'href="/ann/model"' in listed
    assert 'aria-pressed="false"' in browser.get("/ann/model").content.decode()
    assert 'href="/login?next=%2Fann%2Fmodel"' in RawClient().get("/ann/model").content.decode()


def test_a_profile_lists_no_like_of_what_its_reader_may_not_see(model, ann, other):
    other.json("POST", "/api/models/ann/model/like")
    repos.change_settings(repo=model, visibility="private", actor=ann)

    assert "ann/model" not in RawClient().get("/bob").content.decode()
