"""Large files listed by content and deleted for good: who may, what is refused, what readers are told afterwards."""

from __future__ import annotations

import hashlib

import pytest

from catalog.actions.community import pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.models import Repo
from tests.catalog.hub_api.conftest import body_of
from tests.factories import RepoFactory, commit_content

LIST = "/api/models/ann/model/lfs-files"
DELETE = f"{LIST}/batch"
BIG, OTHER = b"big" * 500, b"other" * 500
SHA256 = hashlib.sha256(BIG).hexdigest()


@pytest.fixture
def commit(repo):
    return commit_content(repo, {"sub/w.bin": BIG, "plain.txt": b"plain"}, lfs=("sub/w.bin",))


def deletion(*sha256s, rewrite=True):
    return {"deletions": {"sha": list(sha256s), "rewriteHistory": rewrite}}


def test_contents_of_all_of_history_are_listed_newest_first(commit, repo, stranger):
    offer = pull_requests.open_pull_request(repo=repo, proposal=Proposal("Mine"), actor=repo.created_by)
    commit_content(repo, {"o.bin": OTHER}, lfs=("o.bin",), branch=offer.git_ref)
    commit_content(repo, {"sub/w.bin": b"newer" * 500}, lfs=("sub/w.bin",))

    listed = stranger.get(LIST).json()

    newer, other, big = listed
    assert set(big) == {"fileOid", "filename", "oid", "pushedAt", "ref", "size"}
    assert (big["fileOid"], big["filename"], big["size"]) == (SHA256, "sub/w.bin", len(BIG))
    assert big["pushedAt"].endswith("Z")
    assert newer["ref"] == "refs/heads/main"
    assert other["ref"] == big["ref"] == "refs/pr/1"  # the older version is what the pull request began with


def test_the_list_comes_in_pages(repo, stranger):
    for number in range(5):
        commit_content(repo, {f"{number}.bin": b"%d" % number * 1000}, lfs=(f"{number}.bin",))

    first = stranger.get(f"{LIST}?limit=3")
    second = stranger.get(first.headers["Link"].partition("<")[2].partition(">")[0].replace("http://testserver", ""))

    assert [item["filename"] for item in first.json()] == ["4.bin", "3.bin", "2.bin"]
    assert [item["filename"] for item in second.json()] == ["1.bin", "0.bin"]
    assert "Link" not in second.headers
    assert stranger.get(f"{LIST}?cursor=nonsense").status_code == 400


@pytest.mark.usefixtures("commit")
def test_only_writers_delete_and_a_private_repo_looks_absent(private_repo, owner, reader, other, stranger):
    commit_content(private_repo, {"w.bin": BIG}, lfs=("w.bin",))
    secret, absent = "/api/models/ann/secret/lfs-files", "/api/models/ann/nothing/lfs-files"

    refused = [who.json("POST", DELETE, deletion(SHA256)).status_code for who in (reader, other, stranger)]

    assert refused == [403, 403, 401]
    for who, status in ((other, 404), (stranger, 401)):
        for hidden in (secret, absent):
            answers = [who.get(hidden), who.json("POST", f"{hidden}/batch", deletion(SHA256))]
            assert [(one.status_code, one.headers["X-Error-Code"]) for one in answers] == [(status, "RepoNotFound")] * 2
    assert owner.get(LIST).json() != []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"deletions": []}, 400),
        ({"deletions": {"sha": SHA256}}, 400),
        ({"deletions": {"sha": ["main"]}}, 400),
        ({"deletions": {"sha": [SHA256.upper()]}}, 400),
        ({"deletions": {"sha": [SHA256], "rewriteHistory": "yes"}}, 400),
        (deletion(*[f"{number:064x}" for number in range(1001)]), 413),
        (deletion("0" * 64), 404),
        (deletion(SHA256, hashlib.sha256(OTHER).hexdigest()), 404),  # somebody else's looks like an unknown one
        (deletion(), 200),
    ],
)
def test_malformed_and_unknown_deletions_are_refused_as_a_whole(commit, owner, stranger, body, status):
    commit_content(RepoFactory(), {"o.bin": OTHER}, lfs=("o.bin",))

    answer = owner.json("POST", DELETE, body)

    assert answer.status_code == status
    assert [item["fileOid"] for item in stranger.get(LIST).json()] == [SHA256]


def test_a_file_taken_out_of_history_was_never_there(commit, repo, owner, stranger):
    done = owner.json("POST", DELETE, deletion(SHA256))

    assert done.status_code == 200
    gone = stranger.get("/ann/model/resolve/main/sub/w.bin")
    assert (gone.status_code, gone.headers["X-Error-Code"]) == (404, "EntryNotFound")
    assert "sub" not in [item["path"] for item in stranger.get("/api/models/ann/model/tree/main").json()]
    former = stranger.get(f"/api/models/ann/model/revision/{commit.oid}")
    assert (former.status_code, former.headers["X-Error-Code"]) == (404, "RevisionNotFound")
    assert stranger.get(LIST).json() == []


@pytest.mark.parametrize("revision", ["main", "refs%2Fheads%2Fmain"])
def test_of_a_file_without_content_the_pointer_is_left(commit, repo, owner, stranger, revision):
    owner.json("POST", DELETE, deletion(SHA256, rewrite=False))

    answers = [
        stranger.get(f"/ann/model/resolve/{revision}/sub/w.bin"),
        stranger.head(f"/ann/model/resolve/{revision}/sub/w.bin"),
    ]
    raw = body_of(stranger.get(f"/ann/model/raw/{revision}/sub/w.bin")).decode()
    (item,) = stranger.get(f"/api/models/ann/model/tree/{revision}/sub").json()
    shown = [stranger.get(f"/ann/model/blob/{revision}/sub/w.bin"), stranger.get(f"/ann/model/tree/{revision}/sub")]

    for gone in answers:
        assert (gone.status_code, gone.headers["X-Error-Code"]) == (404, "EntryNotFound")
        assert "deleted for good" in gone.headers["X-Error-Message"]
        assert "X-Repo-Commit" not in gone.headers
    assert f"sha256:{SHA256}" in raw
    assert item["lfs"]["oid"] == SHA256
    assert [page.status_code for page in shown] == [200, 200]
    assert stranger.get(LIST).json() == []


def test_sending_a_deleted_file_again_brings_it_back(commit, repo, owner, stranger):
    owner.json("POST", DELETE, deletion(SHA256, rewrite=False))
    batch = {"operation": "upload", "objects": [{"oid": SHA256, "size": len(BIG)}], "transfers": ["basic"]}
    (asked,) = owner.json("POST", "/ann/model.git/info/lfs/objects/batch", batch).json()["objects"]

    href = asked["actions"]["upload"]["href"].partition("://")[2].partition("/")[2]
    sent = owner.request("PUT", f"/{href}", BIG, content_type="application/octet-stream")

    assert sent.status_code == 200
    assert body_of(stranger.get(f"/ann/model/resolve/{commit.oid}/sub/w.bin")) == BIG
    assert [item["fileOid"] for item in stranger.get(LIST).json()] == [SHA256]
    assert Repo.objects.get(pk=repo.pk).removed_files.count() == 0
