"""Collections: made, filled and ordered by who writes there; each reader sees what they may."""

from __future__ import annotations

import pytest

from catalog.actions import repos
from tests.factories import OrganisationFactory, RepoFactory
from tests.raw_client import RawClient


@pytest.fixture
def model(ann):
    return RepoFactory(actor=ann, name="model")


@pytest.fixture
def made(owner):
    return create(owner).json()


def create(caller, title="My Models", namespace="ann", **fields):
    return caller.json("POST", "/api/collections", {"title": title, "namespace": namespace, "private": False, **fields})


def add(caller, slug, name, kind="model", **fields):
    return caller.json("POST", f"/api/collections/{slug}/items", {"item": {"id": name, "type": kind}, **fields})


def test_a_collection_is_made_filled_ordered_and_deleted(owner, stranger, model, ann, made):
    RepoFactory(actor=ann, name="data", kind="dataset")
    slug = made["slug"]
    assert slug.startswith("ann/my-models-")
    assert (made["position"], made["items"], made["upvotes"], made["owner"]["name"]) == (0, [], 0, "ann")

    first = add(owner, slug, "ann/model", note="good").json()
    second = add(owner, slug, "ann/data", "dataset").json()

    assert first["items"][0]["note"]["text"] == "good"
    assert [(one["id"], one["type"], one["position"]) for one in second["items"]] == [
        ("ann/model", "model", 0), ("ann/data", "dataset", 1),
    ]  # fmt: skip
    item = second["items"][1]["_id"]
    assert owner.json("PATCH", f"/api/collections/{slug}/items/{item}", {"position": 0, "note": "x"}).status_code == 200
    seen = stranger.get(f"/api/collections/{slug}").json()
    assert [(one["id"], one["position"]) for one in seen["items"]] == [("ann/data", 0), ("ann/model", 1)]
    assert owner.json("DELETE", f"/api/collections/{slug}/items/{item}").status_code == 200
    assert len(stranger.get(f"/api/collections/{slug}").json()["items"]) == 1
    assert owner.json("DELETE", f"/api/collections/{slug}").status_code == 200
    assert stranger.get(f"/api/collections/{slug}").status_code == 404


def test_a_new_title_changes_the_slug_and_old_ones_still_lead_there(owner, stranger, made):
    changed = owner.json(
        "PATCH", f"/api/collections/{made['slug']}",
        {"title": "Other Ones", "description": "d", "theme": "pink", "position": 3, "private": True},
    ).json()["data"]  # fmt: skip

    assert changed["slug"] == f"ann/other-ones-{made['slug'][-24:]}"
    assert (changed["theme"], changed["description"], changed["position"], changed["private"]) == ("pink", "d", 3, True)
    assert owner.get(f"/api/collections/{made['slug']}").json()["title"] == "Other Ones"
    assert stranger.get(f"/api/collections/{made['slug']}").status_code == 404


def test_the_same_again_is_a_conflict_that_names_what_is_there(owner, model, made):
    again = create(owner)
    add(owner, made["slug"], "ann/model")

    assert (again.status_code, again.json()["slug"]) == (409, made["slug"])
    assert add(owner, made["slug"], "ann/model").status_code == 409


def test_lists_carry_no_position_and_few_items(owner, stranger, ann, made):
    OrganisationFactory(name="acme", admin=ann)
    create(owner, title="Team's", namespace="acme")
    for number in range(6):
        RepoFactory(actor=ann, name=f"m{number}")
        add(owner, made["slug"], f"ann/m{number}")

    listed = stranger.get("/api/collections").json()
    page = stranger.get("/api/collections?limit=1")
    rest = stranger.get(page["Link"].partition("testserver")[2].partition(">")[0]).json()

    assert [one["slug"] for one in listed] == [page.json()[0]["slug"], rest[0]["slug"]]
    assert all("position" not in one for one in listed)
    assert len(listed[0]["items"]) == 4
    assert [one["title"] for one in stranger.get("/api/collections?owner=ACME").json()] == ["Team's"]
    assert [one["title"] for one in stranger.get("/api/collections?item=models/ann/m1").json()] == ["My Models"]
    assert stranger.get("/api/collections?item=models/ann/no").json() == []
    assert stranger.get("/api/collections?sort=name").status_code == 400
    assert stranger.get("/api/collections?cursor=x").status_code == 400


def test_readers_see_no_more_of_it_than_of_its_repos(owner, other, stranger, model, made):
    add(owner, made["slug"], "ann/model")
    secret = create(owner, title="Secret", private=True).json()["slug"]
    add(owner, made["slug"], secret, "collection")
    repos.change_settings(repo=model, visibility="private", actor=model.created_by)

    for caller in (stranger, other):
        assert caller.get(f"/api/collections/{made['slug']}").json()["items"] == []
        assert [one["slug"] for one in caller.get("/api/collections").json()] == [made["slug"]]
        assert caller.get("/api/collections?item=models/ann/model").json() == []
        hidden, absent = caller.get(f"/api/collections/{secret}"), caller.get(f"/api/collections/ann/x-{'0' * 24}")
        assert hidden.status_code == absent.status_code == 404
        assert hidden.json()["error"] == absent.json()["error"]
    assert len(owner.get(f"/api/collections/{made['slug']}").json()["items"]) == 2
    assert RawClient().get(f"/collections/{secret}").status_code == 404
    page = RawClient().get(f"/collections/{made['slug']}")
    assert page.status_code == 200
    assert b"ann/model" not in page.content
    assert b"Secret" not in RawClient().get("/collections").content


def test_only_who_writes_there_changes_it(other, stranger, reader, made):
    for caller, status in ((other, 403), (stranger, 401), (reader, 403)):
        assert create(caller).status_code == status
        assert add(caller, made["slug"], "ann/model").status_code == status
        for method in ("PATCH", "DELETE"):
            assert caller.json(method, f"/api/collections/{made['slug']}", {}).status_code == status
            assert caller.json(method, f"/api/collections/{made['slug']}/items/1", {}).status_code == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"title": ""}, 400), ({"title": "x" * 61}, 400), ({"description": "x" * 151}, 400), ({"private": "no"}, 400)],
)
def test_what_does_not_fit_is_refused(fields, status, owner):
    assert create(owner, **fields).status_code == status


def test_items_are_things_that_are_there(owner, made):
    for name, kind, status in (
        ("ann/no", "model", 404), ("2401.00001", "paper", 400), (made["slug"], "collection", 400), ("x", "space", 404),
    ):  # fmt: skip
        assert add(owner, made["slug"], name, kind).status_code == status
    assert owner.json("DELETE", f"/api/collections/{made['slug']}/items/nothing").status_code == 404
