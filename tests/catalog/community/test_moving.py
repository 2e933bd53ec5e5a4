"""Names change, addresses last, and copies carry only what their maker may read."""

from __future__ import annotations

import pytest

from catalog.actions import repos
from catalog.models import RepoBlob
from tests.catalog.hub_api.conftest import body_of, file_line, lfs_line
from tests.factories import OrganisationFactory, RepoFactory, commit_content
from tests.raw_client import RawClient

BIG = b"weights" * 100


@pytest.fixture
def model(ann):
    repo = RepoFactory(actor=ann, name="model")
    commit_content(repo, {"config.json": b"{}", "model.bin": BIG}, lfs=("model.bin",))
    return repo


def move(caller, old, new, kind="model"):
    return caller.json("POST", "/api/repos/move", {"fromRepo": old, "toRepo": new, "type": kind})


def test_the_old_name_leads_to_the_new_one_everywhere(model, ann, owner, stranger):
    OrganisationFactory(name="acme", admin=ann)

    assert move(owner, "ann/model", "acme/better").status_code == 200

    for path in (
        "/api/models/ann/model",
        "/api/models/ANN/Model/revision/main?blobs=true",
        "/ann/model/resolve/main/sub%2Ffile.txt",
        "/ann/model.git/info/lfs/objects/batch",
        "/api/v1/models/ann/model",
    ):
        method = "POST" if path.endswith("batch") else "GET"
        moved = stranger.json(method, path) if method == "POST" else stranger.get(path)
        expected = path.replace("ann/model", "acme/better").replace("ANN/Model", "acme/better")
        assert (moved.status_code, moved["Location"]) == (307, expected)
    page = RawClient().get("/ann/model/tree/main")
    assert (page.status_code, page["Location"]) == (307, "/acme/better/tree/main")
    assert owner.commit("ann/model", file_line("a.txt", b"a")).status_code == 307
    assert move(owner, "ann/model", "acme/best").status_code == 200  # named by a former name
    assert stranger.get("/api/models/ann/model")["Location"] == "/api/models/acme/best"


def test_who_may_not_see_the_repo_is_not_led_there(model, ann, owner, other, stranger):
    move(owner, "ann/model", "ann/secret")
    model.refresh_from_db()
    repos.change_settings(repo=model, visibility="private", actor=ann)

    for caller, status in ((stranger, 401), (other, 404)):
        former, never = caller.get("/api/models/ann/model"), caller.get("/api/models/ann/never")
        assert former.status_code == never.status_code == status
        assert "Location" not in former
    assert owner.get("/api/models/ann/model").status_code == 307


def test_a_former_name_is_its_owners_to_use_again(model, owner, stranger):
    move(owner, "ann/model", "ann/other")

    assert owner.json("POST", "/api/repos/create", {"name": "model"}).status_code == 200

    assert stranger.get("/api/models/ann/model").json()["id"] == "ann/model"
    assert move(owner, "ann/model", "ann/third").status_code == 200
    assert move(owner, "ann/third", "ann/model").status_code == 200
    assert stranger.get("/api/models/ann/model").json()["id"] == "ann/model"


def test_moves_are_refused_with_the_words_clients_know(model, ann, owner, other):
    RepoFactory(actor=ann, name="taken")

    taken = move(owner, "ann/model", "ann/TAKEN")

    assert taken.status_code == 409
    assert "A model repository called ann/TAKEN already exists" in taken.json()["error"]
    assert move(other, "ann/model", "bob/model").status_code == 403
    assert move(owner, "ann/model", "bob/model").status_code == 403
    assert move(owner, "ann/nothing", "ann/x").status_code == 404
    assert move(owner, "ann/model", "x").status_code == 400
    assert move(owner, "ann/model", "ann/..").status_code == 400


def test_a_duplicate_holds_the_same_files_in_one_commit(model, other, stranger):
    made = other.json("POST", "/api/models/ann/model/duplicate", {"repository": "bob/copy"})

    assert made.json()["url"].endswith("/bob/copy")
    assert body_of(stranger.get("/bob/copy/resolve/main/model.bin")) == BIG
    trees = [stranger.get(f"/api/models/{name}/tree/main").json() for name in ("ann/model", "bob/copy")]
    assert trees[0] == trees[1]
    again = other.json("POST", "/api/models/ann/model/duplicate", {"repository": "bob/copy"})
    assert (again.status_code, again.json()["url"]) == (409, made.json()["url"])
    assert len(stranger.get("/api/models/bob/copy/commits/main").json()) == 1


def test_what_is_private_or_gated_stays_so_in_its_copy(model, ann, owner, other):
    repos.change_settings(repo=model, gate="manual", actor=ann)
    refused = other.json("POST", "/api/models/ann/model/duplicate", {"repository": "bob/copy"})
    assert (refused.status_code, refused["X-Error-Code"]) == (403, "GatedRepo")

    owner.json("POST", "/api/models/ann/model/duplicate", {"repository": "ann/copy"})
    assert owner.get("/api/models/ann/copy").json()["gated"] == "manual"
    repos.change_settings(repo=model, visibility="private", actor=ann)
    owner.json("POST", "/api/models/ann/model/duplicate", {"repository": "ann/second"})
    assert owner.get("/api/models/ann/second").json()["private"]
    assert other.json("POST", "/api/models/ann/model/duplicate", {"repository": "bob/copy"}).status_code == 404


def copy_files(caller, sha256, filename="model.bin", source="ann/model", target="bob/mine"):
    body = {
        "target": {"type": "model", "name": target},
        "files": [{"xetHash": "x", "sha256": sha256, "filename": filename}],
    }
    return caller.json("POST", f"/api/models/{source}/lfs-files/duplicate", body)


def test_large_files_are_copied_for_those_who_may_read_them_now(model, ann, owner, other):
    sha256 = RepoBlob.objects.get(repo=model, blob__size=len(BIG)).blob.sha256
    other.json("POST", "/api/repos/create", {"name": "mine"})

    assert copy_files(other, sha256).json() == {}
    assert other.commit("bob/mine", lfs_line("weights.bin", sha256)).status_code == 200
    assert body_of(other.get("/bob/mine/resolve/main/weights.bin")) == BIG
    for wrong in (copy_files(other, "0" * 64), copy_files(other, sha256, filename="config.json")):
        assert len(wrong.json()["failed"]) == 1
    assert copy_files(other, sha256, source="ann/nothing").status_code == 404
    assert copy_files(owner, sha256).status_code == 403
    repos.change_settings(repo=model, gate="manual", actor=ann)
    assert copy_files(other, sha256)["X-Error-Code"] == "GatedRepo"
    repos.change_settings(repo=model, visibility="private", actor=ann)
    assert copy_files(other, sha256)["X-Error-Code"] == "RepoNotFound"
