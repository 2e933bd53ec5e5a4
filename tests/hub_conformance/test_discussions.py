"""Discussions, pull requests and squashed history, as the client's own suite asks for them of a hub."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def repo(plain_ann) -> str:
    """A public repo with one file, one discussion (#1) and one pull request (#2), all Ann's."""
    name = f"ann/talk-{time.monotonic_ns()}"
    plain_ann.script(
        """
        api.create_repo(repo)
        api.upload_file(path_or_fileobj=b"one\\n", path_in_repo="file.txt", repo_id=repo)
        api.create_discussion(repo, title=" Test discussion !  ")
        api.create_pull_request(repo, title="Test PR")
        answer(None)
        """,
        repo=name,
    )
    return name


def test_discussions_are_opened_listed_and_filtered(plain_ann, bob, repo):
    bob.script("api.create_discussion(repo, title='From Bob', description='*Hi*'); answer(0)", repo=repo)

    found = plain_ann.script(
        """
        first = api.get_discussion_details(repo, 1)
        def nums(**filters): return [d.num for d in api.get_repo_discussions(repo, **filters)]
        lists = {
            "all": nums(), "prs": nums(discussion_type="pull_request"), "talks": nums(discussion_type="discussion"),
            "bob": nums(author="bob"), "nobody": nums(author="nobody"),
        }
        api.change_discussion_status(repo, 2, "open")
        api.change_discussion_status(repo, 1, "closed", comment="Done.")
        lists["open"], lists["closed"] = nums(discussion_status="open"), nums(discussion_status="closed")
        answer({
            "first": [first.title, first.author, first.status, first.is_pull_request, first.git_reference, first.url],
            "again": api.get_discussion_details(repo, 2) == api.get_discussion_details(repo, 2),
            "lists": lists, "ref": api.repo_info(repo, revision="refs/pr/2").sha == api.repo_info(repo).sha,
            "refs": [[r.ref for r in api.list_repo_refs(repo, include_pull_requests=True).pull_requests],
                     api.list_repo_refs(repo).pull_requests],
        })
        """,
        repo=repo,
    )

    url = f"{plain_ann.endpoint}/{repo}/discussions/1"
    assert found["first"] == ["Test discussion !", "ann", "open", False, None, url]
    assert found["again"]
    assert found["ref"]
    assert found["refs"] == [["refs/pr/2"], None]
    assert found["lists"] == {
        "all": [3, 2, 1],
        "prs": [2],
        "talks": [3, 1],
        "bob": [3],
        "nobody": [],
        "open": [3, 2],
        "closed": [1],
    }


def test_comments_are_written_edited_and_hidden(plain_ann, bob, repo):
    found = plain_ann.script(
        """
        text = "# Multi-line\\n**With formatting**, *italic*\\nAnd [links](http://hf.co)! 💥🤯"
        made = api.comment_discussion(repo, 1, text)
        details = api.get_discussion_details(repo, 1)
        edited = api.edit_discussion_comment(repo, 1, made.id.upper(), "**Edited** comment 🤗")
        after = [e for e in api.get_discussion_details(repo, 1).events if e.id == made.id][0]
        hidden = api.hide_discussion_comment(repo, 1, made.id)
        gone = [e for e in api.get_discussion_details(repo, 1).events if e.id == made.id][0]
        answer({
            "made": [made.type, made.author, made.content == text, made.edited, made.hidden, made in details.events],
            "html": made.rendered,
            "edited": [edited.edited, after.content, after.number_of_edits, after.edit_history[0]["raw"] == text,
                       after.last_edited_by],
            "hidden": [hidden.hidden, gone.hidden, gone.content, gone.edit_history],
        })
        """,
        repo=repo,
    )

    assert found["made"] == ["comment", "ann", True, False, False, True]
    assert "<strong>With formatting</strong>" in found["html"]
    assert found["edited"] == [True, "**Edited** comment 🤗", 1, True, "ann"]
    assert found["hidden"] == [True, True, "This comment has been hidden", []]


def test_titles_and_statuses_leave_events(plain_ann, repo):
    found = plain_ann.script(
        """
        renamed = api.rename_discussion(repo, 1, "New titleee")
        closed = api.change_discussion_status(repo, 1, "closed")
        opened = api.change_discussion_status(repo, 1, "open")
        details = api.get_discussion_details(repo, 1)
        answer([renamed in details.events, renamed.old_title, renamed.new_title, closed in details.events,
                closed.new_status, opened.new_status, details.title, details.status])
        """,
        repo=repo,
    )

    assert found == [True, "Test discussion !", "New titleee", True, "closed", "open", "New titleee", "open"]


def test_a_pull_request_is_committed_to_compared_and_merged(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete
        operations = [CommitOperationAdd("new.txt", b"new\\n"), CommitOperationAdd("file.txt", b"two\\n")]
        made = api.create_commit(repo, operations, commit_message="Change it", revision="refs/pr/2")
        api.upload_file(path_or_fileobj=b"elsewhere\\n", path_in_repo="main.txt", repo_id=repo)
        draft = api.get_discussion_details(repo, 2)
        refused = ""
        try:
            api.merge_pull_request(repo, 2)
        except Exception as error:
            refused = str(error)
        api.change_discussion_status(repo, 2, "open")
        api.merge_pull_request(repo, 2, comment="Thank you")
        merged = api.get_discussion_details(repo, 2)
        commits = api.list_repo_commits(repo)
        answer({
            "draft": [draft.status, draft.target_branch, draft.conflicting_files, draft.merge_commit_oid],
            "diff": draft.diff, "events": [e.type for e in merged.events],
            "commit": [[e.summary, e.oid == made.oid] for e in draft.events if e.type == "commit"],
            "refused": refused, "merged": [merged.status, merged.merge_commit_oid == commits[0].commit_id],
            "same": draft.diff == merged.diff, "title": commits[0].title, "message": made.oid in commits[0].message,
            "files": sorted(api.list_repo_files(repo)),
            "pr_files": sorted(api.list_repo_files(repo, revision="refs/pr/2")),
        })
        """,
        repo=repo,
    )

    assert found["draft"] == ["draft", "refs/heads/main", [], None]
    assert "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n" in found["diff"]
    assert "-one\n+two\n" in found["diff"]
    assert found["same"]
    assert found["commit"] == [["Change it", True]]
    assert "draft" in found["refused"]
    assert found["events"] == ["comment", "commit", "status-change", "status-change", "comment"]
    assert found["merged"] == ["merged", True]
    assert found["title"] == "Test PR (#2)"
    assert found["message"]
    assert found["files"] == [".gitattributes", "file.txt", "main.txt", "new.txt"]
    assert found["pr_files"] == [".gitattributes", "file.txt", "new.txt"]


def test_an_empty_pull_request_can_be_merged(plain_ann, repo):
    found = plain_ann.script(
        """
        api.change_discussion_status(repo, 2, "open")
        api.merge_pull_request(repo, 2)
        details = api.get_discussion_details(repo, 2)
        answer([details.status, details.merge_commit_oid == api.repo_info(repo).sha])
        """,
        repo=repo,
    )

    assert found == ["merged", True]


def test_both_sides_of_a_file_are_a_conflict(plain_ann, repo):
    found = plain_ann.script(
        """
        for revision, content in (("refs/pr/2", b"theirs\\n"), ("main", b"ours\\n")):
            api.upload_file(path_or_fileobj=content, path_in_repo="file.txt", repo_id=repo, revision=revision)
        api.change_discussion_status(repo, 2, "open")
        try:
            api.merge_pull_request(repo, 2)
        except Exception as error:
            answer([error.response.status_code, str(error), api.get_discussion_details(repo, 2).conflicting_files])
        """,
        repo=repo,
    )

    assert found[0] == 409
    assert "file.txt" in found[1]
    assert found[2] == ["file.txt"]


@pytest.mark.parametrize("with_xet", ["xet", "plain"], indirect=True)
def test_whoever_reads_may_offer_changes_with_large_files_too(plain_ann, bob, repo, with_xet):
    bob.with_xet = with_xet
    offered = bob.script(
        """
        from huggingface_hub import CommitOperationAdd
        from huggingface_hub.errors import HfHubHTTPError
        operations = [CommitOperationAdd("regular.txt", b"text"), CommitOperationAdd("lfs.bin", b"\\0" * 2000)]
        pr = api.create_commit(repo, operations, commit_message="Please", commit_description="More", create_pr=True)
        more = api.upload_file(path_or_fileobj=b"again", path_in_repo="b.txt", repo_id=repo, revision=pr.pr_revision)
        refused = []
        for call in (
            lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo),
            lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo, revision="refs/pr/2"),
            lambda: api.merge_pull_request(repo, pr.pr_num),
            lambda: api.rename_discussion(repo, 1, "Mine now"),
            lambda: api.change_discussion_status(repo, 2, "closed"),
        ):
            try:
                call()
            except HfHubHTTPError as error:
                refused.append(error.response.status_code)
        details = api.get_discussion_details(repo, pr.pr_num)
        answer({"pr": [pr.pr_url, pr.pr_revision, pr.pr_num], "refused": refused, "status": details.status,
                "files": sorted(api.list_repo_files(repo, revision=pr.pr_revision)),
                "events": [e.type for e in details.events]})
        """,
        repo=repo,
    )
    merged = plain_ann.script(
        """
        api.merge_pull_request(repo, 3)
        head = api.list_repo_commits(repo)[0]
        answer([head.title, head.authors, "Co-authored-by: bob" in head.message,
                api.get_paths_info(repo, ["lfs.bin"])[0].lfs.size])
        """,
        repo=repo,
    )

    assert offered["pr"] == [f"{bob.endpoint}/{repo}/discussions/3", "refs/pr/3", 3]
    assert offered["refused"] == [403] * 5
    assert offered["status"] == "open"
    assert offered["files"] == [".gitattributes", "b.txt", "file.txt", "lfs.bin", "regular.txt"]
    assert offered["events"] == ["comment", "commit", "commit"]
    assert merged == ["Please (#3)", ["ann"], True, 2000]


def test_a_pull_request_goes_to_a_branch_and_to_nothing_else(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub import CommitOperationAdd
        api.create_branch(repo, branch="dev")
        def offer(revision, **more):
            operations = [CommitOperationAdd("dev.txt", b"d")]
            try:
                return api.create_commit(
                    repo, operations, commit_message="c", revision=revision, create_pr=True, **more
                ).pr_num
            except Exception as error:
                return type(error).__name__
        head = api.repo_info(repo).sha
        first = api.list_repo_commits(repo)[-1].commit_id
        nums = [offer("dev"), offer("none"), offer(head), offer("main", parent_commit=first)]
        parent = api.list_repo_commits(repo, revision="refs/pr/4")[1].commit_id
        answer([nums, api.get_discussion_details(repo, 3).target_branch, parent == first])
        """,
        repo=repo,
    )

    assert found == [[3, "RevisionNotFoundError", "RevisionNotFoundError", 4], "refs/heads/dev", True]


def test_a_folder_becomes_a_pull_request(bob, plain_ann, repo):
    (bob.home / "folder").mkdir()
    for name in ("a.txt", "b.bin"):
        (bob.home / "folder" / name).write_bytes(b"\0" * 3000 if name == "b.bin" else b"text")

    found = bob.script(
        """
        made = api.upload_folder(folder_path="folder", repo_id=repo, create_pr=True, commit_message="A folder")
        details = api.get_discussion_details(repo, made.pr_num)
        answer([made.pr_url, details.status, details.title, sorted(api.list_repo_files(repo, revision="refs/pr/3"))])
        """,
        repo=repo,
    )

    url = f"{bob.endpoint}/{repo}/discussions/3"
    assert found == [url, "draft", "A folder", [".gitattributes", "a.txt", "b.bin", "file.txt"]]


def test_history_is_squashed_on_branches_and_pull_requests(plain_ann, repo):
    found = plain_ann.script(
        """
        from huggingface_hub.errors import HfHubHTTPError
        api.create_branch(repo, branch="kept")
        api.create_tag(repo, tag="v1")
        api.upload_file(path_or_fileobj=b"pr\\n", path_in_repo="pr.txt", repo_id=repo, revision="refs/pr/2")
        api.super_squash_history(repo)
        api.super_squash_history(repo, branch="refs/pr/2", commit_message="One")
        errors = []
        for branch in ("none", "v1"):
            try:
                api.super_squash_history(repo, branch=branch)
            except HfHubHTTPError as error:
                errors.append(type(error).__name__)
        api.change_discussion_status(repo, 2, "open")
        before = api.get_discussion_details(repo, 2).conflicting_files
        api.merge_pull_request(repo, 2)
        def titles(revision): return [c.title for c in api.list_repo_commits(repo, revision=revision)]
        answer({"main": titles("main"), "kept": len(titles("kept")), "tag": len(titles("v1")),
                "pr": titles("refs/pr/2"), "errors": errors, "conflicts": before,
                "files": sorted(api.list_repo_files(repo))})
        """,
        repo=repo,
    )

    assert found["main"] == ["Test PR (#2)", "Super-squash branch 'main' using huggingface_hub"]
    assert found["pr"] == ["One"]
    assert [found["kept"], found["tag"]] == [2, 2]
    assert found["errors"] == ["RevisionNotFoundError", "BadRequestError"]
    assert found["conflicts"] == []
    assert found["files"] == [".gitattributes", "file.txt", "pr.txt"]


def test_discussions_are_turned_off_and_private_ones_do_not_exist_for_others(plain_ann, bob, repo):
    code = """
        from huggingface_hub.errors import HfHubHTTPError
        told = []
        for call in (lambda: list(api.get_repo_discussions(repo)), lambda: api.create_discussion(repo, title="Hello")):
            try:
                call()
            except HfHubHTTPError as error:
                told.append([type(error).__name__, error.response.status_code])
        answer(told)
        """
    settings = """
        import httpx2, os
        from huggingface_hub.utils import get_session
        url = f"{api.endpoint}/api/models/{repo}/settings"
        get_session().put(url, headers=api._build_hf_headers(), json=body).raise_for_status()
        answer(0)
        """

    plain_ann.script(settings, repo=repo, body={"discussionsDisabled": True})
    off = bob.script(code, repo=repo)
    plain_ann.script(settings, repo=repo, body={"discussionsDisabled": False, "private": True})
    hidden = bob.script(code, repo=repo)

    assert off == [["HfHubHTTPError", 403]] * 2
    assert hidden == [["RepositoryNotFoundError", 404]] * 2


def test_the_command_line_talks_too(plain_ann, repo):
    made = plain_ann.hf("discussions", "create", repo, "--title", "From the shell", "--body", "text")
    plain_ann.hf("discussions", "comment", repo, "3", "--body", "more")
    plain_ann.hf("discussions", "rename", repo, "3", "Renamed")
    plain_ann.hf("discussions", "close", repo, "3", "--comment", "bye", "--yes")
    plain_ann.hf("discussions", "reopen", repo, "3", "--yes")
    plain_ann.script(
        "api.upload_file(path_or_fileobj=b'x', path_in_repo='x', repo_id=repo, revision='refs/pr/2'); answer(0)",
        repo=repo,
    )
    diff = plain_ann.hf("discussions", "diff", repo, "2")
    plain_ann.script("api.change_discussion_status(repo, 2, 'open'); answer(0)", repo=repo)
    plain_ann.hf("discussions", "merge", repo, "2", "--yes")
    listed = plain_ann.hf("discussions", "list", repo, "--status", "all", "--format", "json")
    told = plain_ann.hf("discussions", "info", repo, "3", "--format", "json")

    assert "#3" in made
    assert "+++ b/x" in diff
    assert '"merged"' in listed
    assert "Renamed" in told
    assert '"bye"' in told


def test_a_picture_is_uploaded_and_shown_in_a_comment(plain_ann, bob, stranger, repo, tmp_path):
    picture = tmp_path / "screen.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40)

    found = bob.script(
        """
        url = api.upload_attachment(picture)
        api.comment_discussion(repo, 1, comment=f"See ![it]({url})")
        answer([url, api.get_discussion_details(repo, 1).events[-1].content])
        """,
        repo=repo,
        picture=str(picture),
    )

    url, content = found
    assert content == f"See ![it]({url})"
    fetched = stranger.script(
        """
        from huggingface_hub.utils import get_session
        got = get_session().get(url)
        page = get_session().get(f"{api.endpoint}/{repo}/discussions/1").text
        answer([got.status_code, got.headers["content-type"], got.content.hex(), page.count("/-/attachments/")])
        """,
        url=url,
        repo=repo,
    )
    assert fetched == [200, "image/png", picture.read_bytes().hex(), 1]


def test_what_is_no_picture_is_refused_by_its_content(plain_ann, tmp_path):
    hidden = tmp_path / "page.png"
    hidden.write_bytes(b"<html><script>alert(1)</script>" + b" " * 100)

    refused = plain_ann.script(
        """
        from huggingface_hub.errors import HfHubHTTPError
        try:
            api.upload_attachment(picture)
        except HfHubHTTPError as error:
            answer([error.response.status_code, "PNG" in str(error)])
        """,
        picture=str(hidden),
    )

    assert refused == [400, True]
