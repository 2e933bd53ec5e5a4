"""Gated repos: everything but the files is open, and whoever is let in gets those, too."""

from __future__ import annotations

import pytest

from catalog.models import AccessRequest, User
from tests.catalog.hub_api.conftest import body_of
from tests.factories import RepoFactory, UserFactory, commit_content
from tests.raw_client import RawClient

SETTINGS = "/api/models/ann/guarded/settings"
REQUESTS = "/api/models/ann/guarded/user-access-request"
FILE = "/ann/guarded/resolve/main/config.json"
BIG = b"weights" * 100


@pytest.fixture
def guarded(ann):
    repo = RepoFactory(actor=ann, name="guarded")
    commit_content(repo, {"config.json": b'{"a": 1}', "model.bin": BIG}, lfs=("model.bin",))
    return repo


@pytest.fixture
def gate(owner, guarded):
    def close(mode):
        response = owner.json("PUT", SETTINGS, {"gated": mode})
        assert response.status_code == 200, response.content
        return response.json()["gated"]

    return close


def batch(caller, repo):
    oid = repo.commits.order_by("-seq").first().line.entries.get(path="model.bin").blob.sha256
    body = {"operation": "download", "objects": [{"oid": oid, "size": len(BIG)}]}
    return caller.json("POST", "/ann/guarded.git/info/lfs/objects/batch", body)


def ways_to_the_bytes(repo):
    head = repo.refs.get(name="main").commit.oid
    return [
        FILE,
        "/ann/guarded/raw/main/model.bin",
        f"/ann/guarded/resolve/{head}/model.bin",
        "/api/models/ann/guarded/xet-read-token/main",
        "/api/models/ann/guarded/auth-check",
        "/api/v1/models/ann/guarded/archive/main.tar",
    ]


def test_strangers_see_card_and_list_but_no_bytes(stranger, other, guarded, gate):
    assert gate("manual") == "manual"

    for caller, status in ((stranger, 401), (other, 403)):
        assert caller.get("/api/models/ann/guarded").json()["gated"] == "manual"
        assert caller.get("/api/models/ann/guarded/tree/main").status_code == 200
        for path in ways_to_the_bytes(guarded):
            refused = caller.get(path)
            assert (refused.status_code, refused["X-Error-Code"]) == (status, "GatedRepo"), path
            assert caller.head(path).status_code == status
        refused = batch(caller, guarded)
        assert (refused.status_code, refused["X-Error-Code"]) == (status, "GatedRepo")
    assert "is restricted and you are not in the authorized list" in other.get(FILE)["X-Error-Message"]
    assert "Please log in" in stranger.get(FILE)["X-Error-Message"]


def test_pages_show_no_content_either(guarded, gate):
    gate("manual")
    reader, head = RawClient(), guarded.refs.get(name="main").commit.oid

    page = reader.get("/ann/guarded/blob/main/config.json")
    diff = reader.get(f"/ann/guarded/commit/{head}")

    assert (page.status_code, page["Location"]) == (302, "/ann/guarded/access")
    assert reader.get("/ann/guarded/access").status_code == 200
    assert diff.status_code == 200
    assert "&quot;a&quot;: 1" not in diff.content.decode()


def test_the_owner_decides_and_may_change_their_mind(owner, other, guarded, gate):
    gate("manual")
    User.objects.filter(username="bob").update(email="bob@example.org")
    assert other.json("POST", "/ann/guarded/ask-access").json() == {"status": "pending"}
    assert other.get(FILE).status_code == 403

    (waiting,) = owner.get(f"{REQUESTS}/pending").json()
    assert (waiting["user"]["user"], waiting["user"]["email"], waiting["status"]) == (
        "bob", "bob@example.org", "pending",
    )  # fmt: skip
    for state, status in (("accepted", 200), ("pending", 403), ("rejected", 403), ("accepted", 200)):
        decided = owner.json("POST", f"{REQUESTS}/handle", {"requestId": waiting["requestId"], "status": state})
        assert decided.status_code == 200
        assert other.head(FILE).status_code == status, state
        assert owner.json("POST", f"{REQUESTS}/handle", {"user": "BOB", "status": state}).status_code == 400
        assert len(owner.get(f"{REQUESTS}/{state}").json()) == 1
    assert body_of(other.get(FILE)) == b'{"a": 1}'
    link = batch(other, guarded).json()["objects"][0]["actions"]["download"]["href"].partition("testserver")[2]
    assert body_of(other.get(link)) == BIG
    owner.json("POST", f"{REQUESTS}/handle", {"user": "bob", "status": "rejected", "rejectionReason": "no"})
    assert other.get(link).status_code == 401  # an address given out earlier is asked again


def test_an_automatic_gate_opens_at_once_and_grants_share_no_address(owner, other, gate):
    gate("auto")

    assert other.json("POST", "/ann/guarded/ask-access").json() == {"status": "accepted"}
    assert other.head(FILE).status_code == 200
    UserFactory(name="carl", email="carl@example.org")
    granted = owner.json("POST", f"{REQUESTS}/grant", {"user": "carl"})
    assert granted.status_code == 200
    assert "email" not in granted.json()["user"]
    assert owner.json("POST", f"{REQUESTS}/grant", {"user": "carl"}).status_code == 400
    assert owner.json("POST", f"{REQUESTS}/grant", {"user": "nobody"}).status_code == 404


def test_an_open_repo_has_nothing_to_ask_for(owner, other, guarded):
    assert other.json("POST", "/ann/guarded/ask-access").status_code == 400
    assert owner.json("POST", f"{REQUESTS}/grant", {"user": "bob"}).status_code == 400
    assert owner.json("PUT", SETTINGS, {"gated": "maybe"}).status_code == 400


def test_only_who_writes_sees_who_asked(stranger, other, reader, gate):
    gate("manual")

    for caller, status in ((stranger, 401), (other, 403), (reader, 403)):
        assert caller.get(f"{REQUESTS}/pending").status_code == status
        for route in ("handle", "grant"):
            body = {"user": "bob", "status": "accepted"}
            assert caller.json("POST", f"{REQUESTS}/{route}", body).status_code == status


def test_a_private_repo_tells_strangers_nothing_of_its_gate(other, ann):
    RepoFactory(actor=ann, name="secret", visibility="private")

    for name in ("secret", "nothing"):
        answers = [
            other.json("POST", f"/ann/{name}/ask-access"),
            other.get(f"/api/models/ann/{name}/user-access-request/pending"),
            other.get(f"/api/models/ann/{name}/auth-check"),
        ]
        assert [answer["X-Error-Code"] for answer in answers] == ["RepoNotFound"] * 3
        assert RawClient().get(f"/ann/{name}/access").status_code == 404


def test_people_ask_and_owners_answer_on_pages(guarded, gate):
    gate("manual")
    asker, keeper = RawClient(), RawClient()
    asker.force_login(UserFactory(name="carl"))
    keeper.force_login(guarded.created_by)

    assert asker.post("/ann/guarded/access").status_code == 302
    asked = AccessRequest.objects.get()
    listed = keeper.get("/ann/guarded/settings/access").content.decode()
    keeper.post("/ann/guarded/settings/access", {"request": asked.public_id, "state": "accepted"})

    assert asked.public_id in listed
    assert asker.get("/ann/guarded/blob/main/config.json").status_code == 200
    assert asker.get("/ann/guarded/settings/access").status_code == 403
    keeper.post("/ann/guarded/settings/access", {"gate": ""})
    assert RawClient().get("/ann/guarded/blob/main/config.json").status_code == 200


def test_the_form_of_the_card_is_filled_in_and_read_by_the_owner(guarded, gate):
    # given
    card = "---\nextra_gated_prompt: Nie do celów wojskowych.\nextra_gated_fields:\n  Ja: checkbox\n  Firma: text\n"
    card += "  Cel:\n    type: select\n    options: [badania, inny]\n  Dziwne: [1]\n---\n"
    commit_content(guarded, {"README.md": card.encode()})
    gate("manual")
    asker, keeper = RawClient(), RawClient()
    asker.force_login(UserFactory(name="carl"))
    keeper.force_login(guarded.created_by)

    # when
    form = asker.get("/ann/guarded/access").content.decode()
    refused = asker.post("/ann/guarded/access", {"field-1": "Zażółć SA", "field-0": "inny"})
    asked = asker.post("/ann/guarded/access", {"field-1": "Zażółć SA", "field-0": "inny", "field-3": "on"})

    # then
    assert "Nie do celów wojskowych." in form
    assert "Dziwne" not in form
    assert refused.status_code == 422
    assert 'value="Zażółć SA"' in refused.content.decode()
    assert asked.status_code == 302
    assert AccessRequest.objects.get().fields == {"Firma": "Zażółć SA", "Cel": "inny", "Ja": "True"}
    assert "Zażółć SA" in keeper.get("/ann/guarded/settings/access").content.decode()


def test_a_refusal_tells_its_reason_to_who_asked(guarded, gate):
    gate("manual")
    asker, keeper = RawClient(), RawClient()
    asker.force_login(UserFactory(name="carl"))
    keeper.force_login(guarded.created_by)
    asker.post("/ann/guarded/access")
    request = AccessRequest.objects.get().public_id

    assert "1 request waits" in keeper.get("/ann/guarded/settings").content.decode()
    keeper.post("/ann/guarded/settings/access", {"request": request, "state": "rejected", "reason": "Sign first."})

    assert "Sign first." in asker.get("/ann/guarded/access").content.decode()


def test_who_lacks_the_files_is_told_so_and_sees_no_links_to_them(guarded, gate):
    gate("manual")
    keeper = RawClient()
    keeper.force_login(guarded.created_by)

    outside, inside = (caller.get("/ann/guarded/tree/main").content.decode() for caller in (RawClient(), keeper))

    assert "have to be asked for" in outside
    assert "/resolve/" not in outside
    assert "have to be asked for" not in inside
    assert "/resolve/" in inside
