"""Preupload and commit: which way files go, and that a commit is read as it arrives and judged as a whole."""

from __future__ import annotations

import base64
import json

import pytest

from catalog.hub_api import commit as commit_view
from catalog.hub_api.ndjson import LONGEST_LINE
from catalog.models import Commit, TreeEntry
from tests.catalog.hub_api.conftest import body_of, cut_off, file_line, lfs_line
from tests.factories import commit_content, store

API = "/api/models/ann/model"


def asked(path: str, content: bytes, size: int | None = None) -> dict:
    return {
        "path": path,
        "sample": base64.b64encode(content[:512]).decode(),
        "size": len(content) if size is None else size,
    }


def preupload(owner, files, **more):
    return owner.json("POST", f"{API}/preupload/main", {"files": files, **more})


@pytest.mark.parametrize(
    ("path", "content", "size", "mode"),
    [
        ("notes.txt", b"hello", None, "regular"),
        ("notes.txt", b"hello", 9_000_000, "regular"),
        ("notes.txt", b"hello", 10_000_001, "lfs"),
        ("cut.txt", b"a" * 511 + "ż".encode(), None, "regular"),
        ("binary", b"\0\1\2", None, "lfs"),
        ("latin", b"caf\xe9 noir", None, "lfs"),
        ("model.safetensors", b"text", None, "lfs"),
        ("empty.safetensors", b"", None, "regular"),
    ],
)
def test_the_way_of_a_file_follows_attributes_sample_and_size(*, path, content, size, mode, repo, owner):
    answer = preupload(owner, [asked(path, content, size)]).json()["files"][0]

    assert (answer["path"], answer["uploadMode"], answer["shouldIgnore"]) == (path, mode, False)


def test_ignored_files_are_named_by_the_repo_or_the_caller(repo, owner):
    commit_content(repo, {".gitignore": b"*.log\n"})

    files = preupload(owner, [asked("a.log", b"x"), asked("b.tmp", b"x"), asked("c.txt", b"x")], gitIgnore="*.tmp\n")

    assert [one["shouldIgnore"] for one in files.json()["files"]] == [True, True, False]


def test_preupload_names_what_is_there_already(repo, owner):
    commit_content(repo, {"a.txt": b"a", "w.bin": b"\0"}, lfs=("w.bin",))

    answers = preupload(owner, [asked("a.txt", b"a"), asked("w.bin", b"\0"), asked("new.txt", b"n")]).json()["files"]

    assert len(answers[0]["oid"]) == 40
    assert len(answers[1]["oid"]) == 64
    assert "oid" not in answers[2]


def test_preupload_answers_1300_files_in_few_queries(repo, owner, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        answers = preupload(owner, [asked(f"dir/{number}.txt", b"x") for number in range(1300)]).json()["files"]

    assert len(answers) == 1300


@pytest.mark.parametrize("path", ["..\\ddd", "../x", "/x", "a//b", ".git/config", "a\x01", "CON", "x/.GIT/hooks"])
def test_paths_that_escape_are_422(path, repo, owner):
    response = preupload(owner, [asked(path, b"x")])

    assert response.status_code == 422
    assert response["X-Error-Code"] == "InvalidPath"
    assert owner.commit("ann/model", file_line(path, b"x")).status_code == 422
    assert TreeEntry.objects.filter(path=path).count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": {}},
        {"files": ["a"]},
        {"files": [{"path": "a"}]},
        {"files": [{"path": "a", "size": -1}]},
        {"files": [{"path": "a", "size": 1, "sample": "%%"}]},
    ],
)
def test_bad_preuploads_are_400(body, repo, owner):
    assert owner.json("POST", f"{API}/preupload/main", body).status_code == 400


def test_a_commit_adds_changes_deletes_and_copies_in_order(repo, owner):
    owner.commit("ann/model", file_line("a.txt", b"a"), file_line("old/b.txt", b"b"), file_line("c.txt", b"c"))

    response = owner.commit(
        "ann/model",
        {"key": "deletedFile", "value": {"path": "a.txt"}},
        file_line("a.txt", b"again"),
        {"key": "deletedFolder", "value": {"path": "old/"}},
        {"key": "copyFile", "value": {"path": "copy.txt", "srcPath": "c.txt"}},
        header={"summary": "Rearrange", "description": "For order."},
    )

    answer = response.json()
    assert answer["success"] is True
    assert answer["commitUrl"] == f"http://testserver/ann/model/commit/{answer['commitOid']}"
    paths = [item["path"] for item in owner.get(f"{API}/tree/main?recursive=true").json()]
    assert paths == [".gitattributes", "a.txt", "c.txt", "copy.txt"]
    assert body_of(owner.get("/ann/model/resolve/main/a.txt")) == b"again"
    newest = owner.get(f"{API}/commits/main").json()[0]
    assert (newest["title"], newest["message"]) == ("Rearrange", "For order.")


def test_a_long_line_is_stored_piece_by_piece(repo, owner, monkeypatch):
    content = bytes(range(256)) * 16_000  # 4 MB, about five pieces
    gathered = []
    keep = commit_view.Changes.keep

    def noting(self, pieces):
        return keep(self, (gathered.append(len(piece)) or piece for piece in pieces))

    monkeypatch.setattr(commit_view.Changes, "keep", noting)
    response = owner.commit(
        "ann/model", file_line("a.txt", b"a"), file_line("big.txt", content), file_line("c.txt", b"c")
    )

    assert response.status_code == 200
    assert max(gathered) < 2 * LONGEST_LINE
    assert sum(gathered) == len(content)
    assert body_of(owner.get("/ann/model/resolve/main/big.txt")) == content
    assert body_of(owner.get("/ann/model/resolve/main/c.txt")) == b"c"


def test_a_large_file_is_committed_once_it_was_sent(repo, owner):
    sha256 = store(repo, b"\0weights")

    response = owner.commit("ann/model", lfs_line("w.bin", sha256, 8))

    assert response.status_code == 200
    assert body_of(owner.get("/ann/model/resolve/main/w.bin")) == b"\0weights"


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (lfs_line("w.bin", "a" * 64, 8), 422, "BlobNotUploaded"),
        (lfs_line("w.bin", "A" * 64, 8), 400, "BadInput"),
        ({"key": "lfsFile", "value": {"path": "w", "algo": "md5", "oid": "a" * 64}}, 400, "BadInput"),
        ({"key": "lfsFile", "value": {"path": "w", "oid": "a" * 64, "size": "1"}}, 400, "BadInput"),
        ({"key": "deletedFile", "value": {"path": "nothing"}}, 404, "EntryNotFound"),
        ({"key": "deletedFile", "value": {"path": "no\0thing"}}, 400, "BadInput"),
        ({"key": "deletedFolder", "value": {"path": "nothing/"}}, 404, "EntryNotFound"),
        ({"key": "file", "value": {"path": "a.txt", "content": "%%%"}}, 400, "BadInput"),
        ({"key": "file", "value": {"path": "a.txt", "content": "YQ=", "encoding": "base64"}}, 400, "BadInput"),
        ({"key": "file", "value": {"path": "a.txt", "content": "a", "encoding": "utf-8"}}, 400, "BadInput"),
        ({"key": "file", "value": {"path": "a.txt"}}, 400, "BadInput"),
        ({"key": "rename", "value": {"path": "a.txt"}}, 400, "BadInput"),
        ({"key": "file"}, 400, "BadInput"),
        ("not an object", 400, "BadInput"),
        ({"key": "copyFile", "value": {"path": "a", "srcPath": "nothing"}}, 404, "EntryNotFound"),
    ],
)
def test_bad_operations_commit_nothing(line, status, code, repo, owner):
    response = owner.commit("ann/model", file_line("good.txt", b"good"), line)

    assert (response.status_code, response["X-Error-Code"]) == (status, code)
    assert Commit.objects.count() == 1
    assert response.json()["error"]


def test_deleting_what_is_not_there_says_so(repo, owner):
    response = owner.commit("ann/model", {"key": "deletedFile", "value": {"path": "nothing"}})

    assert "A file with this name doesn't exist" in response["X-Error-Message"]


def test_a_stale_parent_is_412_and_a_short_one_is_enough(repo, owner):
    first = owner.commit("ann/model", file_line("a.txt", b"a")).json()["commitOid"]

    fresh = owner.commit("ann/model", file_line("b.txt", b"b"), header={"parentCommit": first[:7]})
    stale = owner.commit("ann/model", file_line("c.txt", b"c"), header={"parentCommit": first})
    odd = owner.commit("ann/model", file_line("c.txt", b"c"), header={"parentCommit": "xyz"})

    assert fresh.status_code == 200
    assert stale.status_code == 412
    assert (
        "The branch was updated since you opened this page. Please refresh and try again." in stale["X-Error-Message"]
    )
    assert odd.status_code == 400


def test_a_repeated_request_answers_with_the_same_commit(repo, owner):
    parent = owner.get(API).json()["sha"]

    answers = [owner.commit("ann/model", file_line("a.txt", b"a"), header={"parentCommit": parent}) for _ in range(2)]

    assert answers[0].json()["commitOid"] == answers[1].json()["commitOid"]


@pytest.mark.parametrize("revision", ["nothing", "refs%2Fpr%2F1", "refs%2Fheads%2Fnothing"])
def test_an_unknown_branch_is_told(revision, repo, owner):
    response = owner.commit("ann/model", file_line("a.txt", b"a"), revision=revision)

    assert (response.status_code, response["X-Error-Code"]) == (404, "RevisionNotFound")


def test_commits_are_for_those_who_may_write(repo, reader, other, stranger):
    statuses = [
        caller.commit("ann/model", file_line("a.txt", b"a")).status_code for caller in (reader, other, stranger)
    ]

    assert statuses == [403, 403, 401]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b'{"key": "file", "value": {}}',
        b'{"key":"header","value":{"summary":5}}',
        b'{"key":"header"',
        b"\xff\xfe",
    ],
)
def test_bodies_that_do_not_start_with_a_header_are_400(body, repo, owner):
    response = owner.request("POST", f"{API}/commit/main", body, content_type="application/x-ndjson")

    assert response.status_code == 400
    assert Commit.objects.count() == 1


def test_a_body_that_breaks_off_commits_nothing(repo, owner):
    header = json.dumps({"key": "header", "value": {"summary": "x"}}).encode() + b"\n"
    body = header + json.dumps(file_line("a.bin", b"a" * 3_000_000)).encode()[:2_000_000]

    response = owner.request("POST", f"{API}/commit/main", body, content_type="application/x-ndjson")
    short = owner.request("POST", f"{API}/commit/main", content_type="application/x-ndjson", **cut_off(header))

    assert response.status_code == 400
    assert short.status_code == 422
    assert Commit.objects.count() == 1


def test_lines_and_operations_are_bounded(repo, owner):
    long = owner.commit("ann/model", {"key": "deletedFile", "value": {"path": "a" * (LONGEST_LINE + 100)}})
    many = owner.commit("ann/model", *[{"key": "deletedFile", "value": {"path": "a"}}] * 25_001)

    assert (long.status_code, many.status_code) == (413, 413)


def test_many_small_files_are_stored_in_batches(repo, owner):
    response = owner.commit("ann/model", *(file_line(f"dir/{number}.txt", b"%d" % number) for number in range(600)))

    assert response.status_code == 200
    assert len(owner.get(f"{API}/tree/main/dir").json()) == 600


def test_a_broken_card_never_blocks_a_commit(repo, owner):
    card = b"---\nlicense: [mit\n---\n" + b"x" * 300_000

    assert owner.commit("ann/model", file_line("README.md", card)).status_code == 200


def test_two_paths_that_differ_in_case_alone_are_refused(repo, owner):
    response = owner.commit("ann/model", file_line("a.txt", b"1"), file_line("A.txt", b"2"))

    assert response.status_code == 422
