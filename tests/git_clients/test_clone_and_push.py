"""git against the hub: what is cloned is what was committed, what is pushed is what is cloned."""

import base64
import json

import pytest


def commit(api, repo, files, *, branch="main", **header):
    """Commits files through the API; returns the id."""
    kind, name = ("models", repo) if repo.count("/") == 1 else repo.split("/", 1)
    lines = [{"key": "header", "value": {"summary": "Through the API", **header}}]
    for path, content in files.items():
        value = {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}
        lines.append({"key": "file", "value": value})
    body = "\n".join(map(json.dumps, lines))
    answer = api.post(
        f"/api/{kind}/{name}/commit/{branch}", content=body, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["commitOid"]


@pytest.mark.parametrize("kind", ["model", "dataset", "space"])
@pytest.mark.parametrize(("suffix", "protocol"), [("", "2"), (".git", "0")])
def test_a_clone_holds_what_was_committed(ann, api, new_repo, *, kind, suffix, protocol):
    repo = new_repo(kind) if kind != "space" else new_repo(kind, sdk="static")
    commit(api, repo, {"a.txt": b"a\n", "deep/er/b.txt": b"b\n", "empty": b""})
    head = commit(api, repo, {"a.txt": b"a again\n"})

    clone = ann.home / "clone"
    ann("clone", "-c", f"protocol.version={protocol}", ann.address(repo + suffix), clone)

    assert not ann("fsck", "--full", "--strict", "--no-dangling", cwd=clone)
    assert ann("rev-parse", "HEAD", cwd=clone) == head
    assert ann("log", "--format=%s", cwd=clone).split("\n") == ["Through the API", "Through the API", "initial commit"]
    assert (clone / "a.txt").read_text() == "a again\n"
    assert (clone / "deep/er/b.txt").read_text() == "b\n"
    assert ann("write-tree", cwd=clone) == ann("rev-parse", "HEAD^{tree}", cwd=clone)


def test_what_is_pushed_is_there_for_the_api_and_for_the_next_clone(ann, api, new_repo):
    repo = new_repo()
    work = ann.clone(repo)
    (work / "sub").mkdir()
    (work / "sub/new.txt").write_text("pushed\n")
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("sub/new.txt")
    ann("add", ".", cwd=work)
    ann("commit", "-m", "By git\n\nWith a body.", cwd=work)
    (work / "sub/new.txt").unlink()
    (work / "sub").rmdir()
    ann("commit", "-am", "Remove it", cwd=work)

    ann("push", cwd=work)

    head = ann("rev-parse", "HEAD", cwd=work)
    assert api.get(f"/api/models/{repo}").json()["sha"] == head
    titles = [one["title"] for one in api.get(f"/api/models/{repo}/commits/main").json()]
    assert titles == ["Remove it", "By git", "initial commit"]
    assert api.get(f"/{repo}/resolve/{head}~1/sub/new.txt").status_code == 404
    parent = ann("rev-parse", "HEAD~1", cwd=work)
    assert api.get(f"/{repo}/resolve/{parent}/sub/new.txt").text == "pushed\n"
    again = ann.clone(repo, into="again")
    assert ann("rev-parse", "HEAD", cwd=again) == head
    assert ann("ls-tree", "-r", "HEAD", cwd=again) == ann("ls-tree", "-r", "HEAD", cwd=work)


def test_fetch_brings_what_others_did_and_no_more(ann, api, new_repo):
    repo = new_repo()
    commit(api, repo, {f"folder/{number}.txt": b"%d\n" % number for number in range(50)})
    work = ann.clone(repo)
    head = commit(api, repo, {"folder/7.txt": b"seven\n"})

    for protocol in ("0", "2"):
        told = ann.try_(
            "-c", f"protocol.version={protocol}", "fetch", "--progress", "-v", cwd=work, GIT_TRACE_PACKET="1"
        )
        assert told.returncode == 0, told.stderr
    ann("merge", "--ff-only", "origin/main", cwd=work)

    assert ann("rev-parse", "HEAD", cwd=work) == head
    assert not ann("fsck", "--full", "--strict", "--no-dangling", cwd=work)
    received = ann("count-objects", "-v", cwd=work)
    assert "count: 4" in received  # the commit, two folders, one file


def test_branches_and_tags_travel_both_ways(ann, api, new_repo):
    repo = new_repo()
    work = ann.clone(repo)
    ann("checkout", "-b", "topic/one", cwd=work)
    ann("commit", "--allow-empty", "-m", "Nothing changed", cwd=work)
    ann("tag", "light", cwd=work)
    ann("tag", "-a", "v1", "-m", "First release", cwd=work)

    ann("push", "--atomic", "origin", "topic/one", "light", "v1", cwd=work)

    refs = api.get(f"/api/models/{repo}/refs").json()
    head = ann("rev-parse", "HEAD", cwd=work)
    assert {(one["name"], one["targetCommit"]) for one in refs["branches"]} >= {("topic/one", head)}
    assert {(one["name"], one["targetCommit"]) for one in refs["tags"]} == {("light", head), ("v1", head)}
    again = ann.clone(repo, into="again")
    assert ann("rev-parse", "v1", cwd=again) == ann("rev-parse", "v1", cwd=work) != head
    assert "First release" in ann("show", "-s", "v1", cwd=again)
    ann("push", "origin", "--delete", "topic/one", "v1", cwd=work)
    assert ann("ls-remote", "origin", cwd=work).split("\n")[-1].endswith("refs/tags/light")
    refused = ann.try_("push", "origin", "--delete", "main", cwd=work)
    assert refused.returncode != 0
    assert "the default branch cannot be deleted" in refused.stderr


def test_a_push_upon_an_old_head_is_refused_and_force_wins(ann, api, new_repo):
    repo = new_repo()
    work = ann.clone(repo)
    theirs = commit(api, repo, {"theirs.txt": b"theirs\n"})
    ann("commit", "--allow-empty", "-m", "Ours", cwd=work)

    refused = ann.try_("push", cwd=work)
    forced = ann.try_("push", "--force", cwd=work)

    assert refused.returncode != 0
    assert "fetch first" in refused.stderr
    assert forced.returncode == 0, forced.stderr
    assert api.get(f"/api/models/{repo}").json()["sha"] == ann("rev-parse", "HEAD", cwd=work)
    assert api.get(f"/{repo}/resolve/{theirs}/theirs.txt").text == "theirs\n"  # old commits stay readable


def test_merges_keep_both_parents_and_reverts_need_no_bytes(ann, new_repo):
    repo = new_repo()
    work = ann.clone(repo)
    for name in ("one", "two"):
        ann("checkout", "-b", name, "main", cwd=work)
        (work / f"{name}/deep").mkdir(parents=True)
        (work / f"{name}/deep/{name}.txt").write_text(f"{name}\n")
        ann("add", ".", cwd=work)
        ann("commit", "-m", name, cwd=work)
    ann("push", "origin", "one", "two", cwd=work)
    ann("checkout", "main", cwd=work)
    ann("merge", "--no-ff", "-m", "Both", "one", "two", cwd=work)
    ann("push", cwd=work)
    ann("rm", "-r", "one", cwd=work)
    ann("commit", "-m", "Take one away", cwd=work)
    ann("push", cwd=work)
    ann("revert", "--no-edit", "HEAD", cwd=work)
    ann("push", cwd=work)

    again = ann.clone(repo, into="again")

    assert ann("rev-parse", "HEAD", cwd=again) == ann("rev-parse", "HEAD", cwd=work)
    assert len(ann("log", "-1", "--format=%P", "HEAD~2", cwd=again).split()) == 3
    assert (again / "one/deep/one.txt").read_text() == "one\n"


def test_shallow_clones_deepen_to_the_whole_history(ann, api, new_repo):
    repo = new_repo()
    for number in range(5):
        commit(api, repo, {f"{number}.txt": b"%d\n" % number})
    for protocol in ("0", "2"):
        work = ann.clone(repo, "--depth=1", f"--config=protocol.version={protocol}", into=f"shallow{protocol}")
        lengths = [int(ann("rev-list", "--count", "HEAD", cwd=work))]
        for step in ("--depth=2", "--deepen=2", "--unshallow"):
            ann("-c", f"protocol.version={protocol}", "fetch", step, cwd=work)
            assert not ann("fsck", "--full", "--strict", "--no-dangling", cwd=work)
            lengths.append(int(ann("rev-list", "--count", "origin/main", cwd=work)))
        assert lengths == [1, 2, 4, 6]


def test_a_commit_is_fetched_by_its_id(ann, api, new_repo):
    repo = new_repo()
    wanted = commit(api, repo, {"a.txt": b"a\n"})
    commit(api, repo, {"a.txt": b"b\n"})
    ann("init", "bare", cwd=ann.home)

    for protocol in ("0", "2"):
        ann(
            "-c", f"protocol.version={protocol}", "fetch", "--depth=1", ann.address(repo), wanted, cwd=ann.home / "bare"
        )

    assert ann("rev-parse", "FETCH_HEAD", cwd=ann.home / "bare") == wanted


def test_who_may_not_read_is_asked_for_a_password_and_told_nothing(person, new_repo):
    ann, bob, stranger, reader = (person(name) for name in ("gitann", "gitbob", "", "reader"))
    private, public = new_repo(private=True), new_repo()

    told = {
        repo: [git.try_("ls-remote", git.address(repo)).stderr.replace(repo, "…") for git in (stranger, bob)]
        for repo in (private, "gitann/none-such")
    }
    pushes = [
        git.try_("push", git.address(public), "HEAD:refs/heads/x", cwd=ann.clone(public, into=f"from-{index}"))
        for index, git in enumerate((stranger, bob, reader))
    ]

    assert told[private] == told["gitann/none-such"]
    assert "could not read Username" in told[private][0]
    assert "Repository not found" in told[private][1]
    assert ann("ls-remote", ann.address(private))
    assert stranger("ls-remote", stranger.address(public))
    assert "could not read Username" in pushes[0].stderr
    assert "403" in pushes[1].stderr
    assert "this token may only read" in pushes[2].stderr


def test_a_partial_clone_fetches_files_when_it_needs_them(ann, api, new_repo):
    repo = new_repo()
    commit(api, repo, {"a.txt": b"first\n", "long.txt": b"x" * 5000})
    commit(api, repo, {"a.txt": b"second\n"})

    for protocol in ("0", "2"):
        for option in ("blob:none", "blob:limit=4k"):
            work = ann.home / f"{protocol}-{option}"
            ann(
                "-c",
                f"protocol.version={protocol}",
                "clone",
                "--no-checkout",
                f"--filter={option}",
                ann.address(repo),
                work,
            )
            missing = ann("rev-list", "--objects", "--all", "--missing=print", cwd=work).count("?")
            ann("checkout", "main", cwd=work)
            assert missing == (4 if option == "blob:none" else 1)
            assert (work / "a.txt").read_text() == "second\n"
            assert ann("show", "HEAD~1:a.txt", cwd=work) == "first"
    refused = ann.try_("clone", "--filter=tree:0", ann.address(repo), ann.home / "refused")
    assert "filter 'tree:0' not supported" in refused.stderr
