"""Which files a revision holds and how it came to be, on paths that stay encoded."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from catalog.actions.history import commits
from catalog.hub_api import tree
from catalog.parsing.git_objects import object_id
from tests.catalog.hub_api.conftest import file_line
from tests.factories import commit_content

API = "/api/models/ann/model"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def commit(repo):
    files = {"README.md": b"# Hi\n", "sub/dir/f.txt": b"hello\n", "sub/w.bin": b"\0" * 10, "zażółć.txt": b"x"}
    return commit_content(repo, files, lfs=("sub/w.bin",))


def test_the_root_lists_files_and_folders(commit, owner):
    items = {item["path"]: item for item in owner.get(f"{API}/tree/main").json()}

    assert set(items) == {".gitattributes", "README.md", "sub", "zażółć.txt"}
    assert items["sub"]["type"] == "directory"
    assert items["sub"]["size"] == 0
    assert items["README.md"] == {
        "type": "file",
        "oid": object_id("blob", b"# Hi\n"),
        "size": 5,
        "path": "README.md",
    }


def test_a_slash_at_the_end_is_the_root_too(commit, owner):
    assert owner.get(f"{API}/tree/main/").json() == owner.get(f"{API}/tree/main").json()


def test_a_recursive_tree_lists_large_files_with_both_sizes(commit, owner):
    items = {item["path"]: item for item in owner.get(f"{API}/tree/main?recursive=true").json()}

    large = items["sub/w.bin"]
    assert {"sub", "sub/dir", "sub/dir/f.txt"} <= set(items)
    assert large["size"] == large["lfs"]["size"] == 10
    assert len(large["lfs"]["oid"]) == 64
    assert 120 < large["lfs"]["pointerSize"] < 140
    assert "xetHash" not in large


@pytest.mark.parametrize("folder", ["sub%2Fdir", "sub/dir", "sub%2fdir/"])
def test_folders_are_found_however_the_slash_is_written(folder, commit, owner):
    assert [item["path"] for item in owner.get(f"{API}/tree/main/{folder}").json()] == ["sub/dir/f.txt"]


def test_expanded_entries_name_their_last_commit(commit, owner):
    items = {item["path"]: item for item in owner.get(f"{API}/tree/main?expand=true").json()}

    assert items["README.md"]["lastCommit"]["id"] == commit.oid
    assert items["sub"]["lastCommit"]["title"] == "Add files"
    assert items[".gitattributes"]["lastCommit"]["title"] == "initial commit"
    assert items["README.md"]["lastCommit"]["date"].endswith("Z")


@pytest.mark.parametrize("path", ["nothing", "README.md", "additional_chat_templates"])
def test_a_missing_folder_names_the_commit_that_was_searched(path, commit, owner):
    response = owner.get(f"{API}/tree/main/{path}")

    assert response.status_code == 404
    assert response["X-Error-Code"] == "EntryNotFound"
    assert response["X-Repo-Commit"] == commit.oid


@pytest.mark.parametrize("revision", ["nothing", "refs%2Fpr%2F1", "refs/pr/1", "f" * 40, "refs%2Fconvert%2Fparquet"])
def test_unknown_revisions_are_told_as_such(revision, commit, owner):
    for path in (f"{API}/tree/{revision}", f"{API}/commits/{revision}", f"/ann/model/resolve/{revision}/README.md"):
        response = owner.get(path)

        assert (response.status_code, response["X-Error-Code"]) == (404, "RevisionNotFound")


@pytest.mark.parametrize("revision", ["refs%2Fheads%2Fmain", "refs/heads/main"])
def test_full_refs_work_encoded_or_not(revision, commit, owner):
    assert owner.get(f"{API}/tree/{revision}").status_code == 200
    assert owner.head(f"/ann/model/resolve/{revision}/README.md")["X-Repo-Commit"] == commit.oid


def test_a_branch_with_a_slash_is_one_segment(commit, repo, owner, ann):
    commits.create_branch(repo=repo, name="feature/x", actor=ann)

    assert owner.get(f"{API}/revision/feature%2Fx").json()["sha"] == commit.oid
    assert owner.head("/ann/model/resolve/feature%2Fx/sub/dir/f.txt")["X-Repo-Commit"] == commit.oid


def test_long_trees_come_in_pages_that_fit_only_their_own_listing(commit, owner, monkeypatch):
    monkeypatch.setattr(tree, "TREE_PAGE", 2)
    first = owner.get(f"{API}/tree/main?recursive=true&expand=false")
    link = re.fullmatch(r'<http://testserver([^>]+)>; rel="next"', first["Link"])[1]

    second = owner.get(link)
    elsewhere = owner.get(link.replace("recursive=true", "recursive=false"))

    assert [item["path"] for item in first.json() + second.json()] == [".gitattributes", "README.md", "sub", "sub/dir"]
    assert elsewhere.status_code == 400


def test_a_client_that_follows_no_links_gets_the_whole_tree(commit, owner, monkeypatch):
    monkeypatch.setattr(tree, "TREE_PAGE", 1)

    whole = owner.get(f"{API}/tree/{commit.oid}?recursive=true")
    paged = owner.get(f"{API}/tree/{commit.oid}?recursive=true&expand=false")

    assert (len(paged.json()), "Link" in paged) == (1, True)
    assert (len(whole.json()) > 3, "Link" in whole) == (True, False)


def test_paths_info_takes_forms_and_json_and_leaves_out_the_unknown(commit, owner):
    asked = {"paths": ["README.md", "sub", "nothing"], "expand": "false"}

    by_form = owner.request("POST", f"{API}/paths-info/main", urlencode(asked, doseq=True), content_type=FORM)
    by_json = owner.json("POST", f"{API}/paths-info/main", {**asked, "expand": True})

    assert [item["path"] for item in by_form.json()] == ["README.md", "sub"]
    assert "lastCommit" not in by_form.json()[0]
    assert by_json.json()[0]["lastCommit"]["id"] == commit.oid


@pytest.mark.parametrize("body", [{"paths": [1]}, {"paths": {}}, {"paths": ["\0"]}])
def test_paths_that_are_no_text_are_400(body, commit, owner):
    assert owner.json("POST", f"{API}/paths-info/main", body).status_code == 400


def test_too_many_paths_are_413(commit, owner):
    assert owner.json("POST", f"{API}/paths-info/main", {"paths": ["a"] * 10_001}).status_code == 413


def test_commits_come_newest_first_in_pages(repo, owner, monkeypatch):
    monkeypatch.setattr(tree, "COMMITS_PAGE", 2)
    for number in range(3):
        owner.commit("ann/model", file_line("a.txt", b"%d" % number), header={"summary": f"Change {number}"})

    first = owner.get(f"{API}/commits/main?expand[]=formatted")
    link = re.fullmatch(r'<http://testserver([^>]+)>; rel="next"', first["Link"])[1]
    second = owner.get(link)

    titles = [one["title"] for one in first.json() + second.json()]
    assert titles == ["Change 2", "Change 1", "Change 0", "initial commit"]
    assert "Link" not in second
    newest = first.json()[0]
    assert newest["authors"] == [{"user": "ann"}]
    assert newest["formatted"] == {"title": "Change 2", "message": ""}
    assert newest["date"].endswith("Z")


def test_refs_list_branches_and_tags(commit, repo, owner, ann):
    commits.create_tag(repo=repo, name="v1", revision="main", actor=ann)

    refs = owner.get(f"{API}/refs?include_prs=1").json()

    assert refs["branches"] == [{"name": "main", "ref": "refs/heads/main", "targetCommit": commit.oid}]
    assert refs["tags"] == [{"name": "v1", "ref": "refs/tags/v1", "targetCommit": commit.oid}]
    assert refs["converts"] == refs["pullRequests"] == []


def test_a_branch_is_created_once_and_deleted(commit, owner):
    path = f"{API}/branch/feature%2Fx"

    answers = [
        owner.json("POST", path),
        owner.json("POST", path),
        owner.json("DELETE", path),
        owner.json("DELETE", path),
    ]

    assert [answer.status_code for answer in answers] == [200, 409, 200, 404]
    assert answers[1].json()["error"] == "Reference refs/heads/feature/x already exists"
    assert answers[3]["X-Error-Code"] == "RevisionNotFound"
    assert "Invalid rev id" in answers[3].json()["error"]


def test_a_branch_starts_where_it_is_told(commit, repo, owner):
    commit_content(repo, {"later.txt": b"x"})

    owner.json("POST", f"{API}/branch/old", {"startingPoint": commit.oid})

    assert owner.get(f"{API}/revision/old").json()["sha"] == commit.oid


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("POST", "branch/refs%2Fheads%2Fx", {}, 400, "Invalid reference for a branch"),
        ("POST", "branch/a..b", {}, 400, "Invalid reference for a branch"),
        ("POST", "branch/new", {"startingPoint": "nothing"}, 404, "Invalid rev id"),
        ("DELETE", "branch/main", {}, 403, "Cannot delete refs/heads/main"),
        ("POST", "tag/nothing", {"tag": "v1"}, 404, "Invalid rev id"),
        ("POST", "tag/main", {"tag": "bad name"}, 400, "Invalid reference"),
        ("POST", "tag/main", {}, 400, "'tag' must be"),
        ("DELETE", "tag/main", {}, 404, "Invalid rev id"),
    ],
)
def test_bad_refs_are_refused_in_words(*, method, path, body, status, text, commit, owner):
    response = owner.json(method, f"{API}/{path}", body)

    assert response.status_code == status
    assert text in response.json()["error"]


def test_a_tag_may_share_the_name_of_a_branch_and_is_fixed(commit, repo, owner):
    assert owner.json("POST", f"{API}/tag/main", {"tag": "v1", "message": "first"}).status_code == 200
    assert owner.json("POST", f"{API}/tag/main", {"tag": "v1"}).status_code == 409
    commit_content(repo, {"later.txt": b"x"})

    assert owner.get(f"{API}/revision/v1").json()["sha"] == commit.oid
    assert owner.json("DELETE", f"{API}/tag/v1").status_code == 200


def test_refs_are_for_writers(commit, reader, other, stranger):
    statuses = [caller.json("POST", f"{API}/branch/x").status_code for caller in (reader, other, stranger)]

    assert statuses == [403, 403, 401]
