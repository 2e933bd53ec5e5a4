"""Pull requests: where they begin, what they offer, how they come in; every history fsck-clean."""

from __future__ import annotations

import pytest

from catalog.actions.community import discussions, merging, proposals, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import commits, squash
from catalog.errors import BadInput, BranchMoved, MergeConflict, NotAllowed, RevisionNotFound
from catalog.models import Discussion, RepoEvent
from catalog.queries import differences, integrity, trees
from catalog.types import DeleteFile
from tests.factories import RepoFactory, UserFactory, add, commit_content

pytestmark = pytest.mark.django_db


@pytest.fixture
def repo():
    made = RepoFactory()
    commit_content(made, {"a.txt": b"a\n", "b.txt": b"b\n", "sub/c.txt": b"c\n"})
    yield made
    assert list(integrity.problems()) == []


def opened(repo, files=None, *, actor=None, **proposal):
    """An open pull request, with a commit when it has files."""
    made = pull_requests.open_pull_request(
        repo=repo, proposal=Proposal("Offer", **proposal), actor=actor or UserFactory(), status="open"
    )
    if files:
        commit_content(repo, files, branch=made.git_ref)
    return made


def files_of(repo, revision="main"):
    commit = trees.resolve_revision(repo, revision)
    return {entry.path for entry in trees.entries_in(commit).files()} - {".gitattributes"}


def merge(made):
    return merging.merge_pull_request(discussion=made, actor=made.repo.created_by)


def test_numbers_are_shared_and_refs_exist_at_once(repo):
    talk = discussions.open_discussion(repo=repo, title="Talk", text="", actor=repo.created_by)
    made = opened(repo)

    assert (talk.num, made.num) == (1, 2)
    assert trees.resolve_revision(repo, "refs/pr/2") == trees.head_of(repo)
    with pytest.raises(RevisionNotFound):
        trees.resolve_revision(repo, "refs/pr/1")
    assert [ref.full_ref for ref in trees.refs_of(repo)] == ["refs/heads/main"]


def test_a_pull_request_leaves_the_line_to_its_branch(repo):
    line = trees.head_of(repo).line_id
    made = opened(repo, {"new.txt": b"new"})

    later = commit_content(repo, {"main.txt": b"main"})
    more = commit_content(repo, {"more.txt": b"more"}, branch=made.git_ref)

    assert later.line_id == line
    assert more.line_id != line
    assert files_of(repo, made.git_ref) == {"a.txt", "b.txt", "sub/c.txt", "new.txt", "more.txt"}
    assert [event.title_after for event in made.events.filter(kind="commit")] == ["Add files", "Add files"]


def test_changes_of_both_sides_come_together(repo):
    made = opened(repo, {"a.txt": b"A\n", "new/d.txt": b"d\n"})
    commits.commit_files(
        repo=repo, branch=made.git_ref, changes=[DeleteFile("sub/c.txt")], title="x", actor=repo.created_by
    )
    before = commit_content(repo, {"b.txt": b"B\n"})

    offer = proposals.offer_of(made)
    commit = merge(made)

    assert (offer.conflicts, offer.changed) == ((), ("a.txt", "new/d.txt", "sub/c.txt"))
    assert commit.parents == [before.oid]
    assert files_of(repo) == {"a.txt", "b.txt", "new/d.txt"}
    made.refresh_from_db()
    assert (made.status, made.merge_oid) == ("merged", commit.oid)
    assert proposals.offer_of(made).changed == offer.changed


@pytest.mark.parametrize(
    ("ours", "theirs", "paths"),
    [
        ({"a.txt": b"1\n"}, {"a.txt": b"2\n"}, ("a.txt",)),
        ({"a.txt": b"1\n"}, {"a.txt": None}, ("a.txt",)),
        ({"a.txt": None}, {"a.txt": b"2\n"}, ("a.txt",)),
        ({"x": b"file"}, {"x/y": b"folder"}, ("x",)),
        ({"a.txt": b"1\n"}, {"a.txt": b"1\n"}, ()),
        ({"a.txt": None}, {"a.txt": None}, ()),
    ],
)
def test_what_both_sides_changed_differently_is_a_conflict(repo, ours, theirs, paths):
    made = opened(repo)
    for branch, files in (("main", ours), (made.git_ref, theirs)):
        changes = [DeleteFile(path) if data is None else add(repo, path, data) for path, data in files.items()]
        commits.commit_files(repo=repo, branch=branch, changes=changes, title="x", actor=repo.created_by)

    assert proposals.offer_of(made).conflicts == paths
    if paths:
        with pytest.raises(MergeConflict) as refused:
            merge(made)
        assert refused.value.facts["paths"] == list(paths)
    else:
        assert merge(made).tree_oid == trees.head_of(repo).tree_oid


def test_history_that_was_squashed_can_still_take_a_pull_request(repo):
    made = opened(repo, {"new.txt": b"new"})
    tree = trees.head_of(repo).tree_oid

    squashed = squash.squash_history(repo=repo, branch="main", message="All of it", actor=repo.created_by)
    other = squash.squash_history(repo=repo, branch=made.git_ref, actor=repo.created_by)
    offer = proposals.offer_of(made)

    assert (squashed.tree_oid, squashed.parents, squashed.title) == (tree, [], "All of it")
    assert trees.history(other) == [other]
    assert {entry.changed_in_id for entry in trees.entries_in(squashed)} == {squashed.pk}
    assert (offer.conflicts, offer.changed) == ((), ("new.txt",))
    merge(made)
    assert files_of(repo) == {"a.txt", "b.txt", "sub/c.txt", "new.txt"}


def test_a_commit_pushed_on_top_of_the_branch_moves_the_base(repo):
    made = opened(repo, {"new.txt": b"1"})
    main = commit_content(repo, {"a.txt": b"main\n"})
    repo.refs.pull_requests().update(commit=main)  # as a forced push does
    commit_content(repo, {"a.txt": b"theirs\n"}, branch=made.git_ref)

    base = differences.merge_base(trees.head_of(repo), trees.resolve_revision(repo, made.git_ref))

    assert base == main
    assert proposals.offer_of(made).changed == ("a.txt",)
    merge(made)


def test_an_offer_is_built_upon_the_parent_that_was_named(repo):
    first = trees.head_of(repo)
    commit_content(repo, {"later.txt": b"later"})
    proposal = Proposal("Old base", "Because", parent=first.oid[:7])

    made, commit = pull_requests.propose_changes(
        repo=repo, proposal=proposal, changes=[add(repo, "p.txt", b"p")], actor=UserFactory()
    )

    assert commit.parents == [first.oid]
    assert (made.status, made.base, made.events.count()) == ("open", first, 2)
    assert merge(made).parents != [first.oid]


def test_a_finished_pull_request_takes_no_commits_and_a_stale_parent_is_told(repo):
    made = opened(repo, {"new.txt": b"new"})
    with pytest.raises(BranchMoved):
        commits.commit_files(
            repo=repo,
            branch=made.git_ref,
            changes=[add(repo, "x", b"x")],
            title="x",
            parent=trees.head_of(repo).oid,
            actor=repo.created_by,
        )
    discussions.change_status(discussion=made, status="closed", actor=repo.created_by)

    for problem, call in (
        (NotAllowed, lambda: commit_content(repo, {"x": b"x"}, branch=made.git_ref)),
        (NotAllowed, lambda: merge(made)),
        (RevisionNotFound, lambda: commit_content(repo, {"x": b"x"}, branch="refs/pr/99")),
        (RevisionNotFound, lambda: commit_content(repo, {"x": b"x"}, branch="refs/pr/main")),
    ):
        with pytest.raises(problem):
            call()
    discussions.change_status(discussion=made, status="open", actor=repo.created_by)
    merge(made)
    for problem, call in (
        (BadInput, lambda: merge(made)),
        (NotAllowed, lambda: discussions.change_status(discussion=made, status="open", actor=repo.created_by)),
        (NotAllowed, lambda: commit_content(repo, {"x": b"x"}, branch=made.git_ref)),
    ):
        with pytest.raises(problem):
            call()


def test_only_open_pull_requests_can_be_merged(repo):
    talk = discussions.open_discussion(repo=repo, title="Talk", text="", actor=repo.created_by)
    draft = pull_requests.open_pull_request(repo=repo, proposal=Proposal("Draft"), actor=repo.created_by)

    for discussion in (talk, draft):
        with pytest.raises(BadInput):
            merge(discussion)


def test_a_branch_that_went_away_is_told(repo):
    commits.create_branch(repo=repo, name="dev", actor=repo.created_by)
    made = opened(repo, {"new.txt": b"new"}, branch="dev")
    commits.delete_branch(repo=repo, name="dev", actor=repo.created_by)

    offer = proposals.offer_of(made)

    assert (offer.target, offer.changed, offer.is_mergeable) == (None, ("new.txt",), False)
    with pytest.raises(RevisionNotFound):
        merge(made)
    with pytest.raises(RevisionNotFound):
        opened(repo, branch="dev")
    assert Discussion.objects.count() == 1


def test_a_patch_reads_as_gits(repo):
    made = opened(repo, {"a.txt": b"A\n", "bin": b"\0", "new.txt": b"n"})
    commit_content(repo, {"w.bin": b"weights"}, lfs=("w.bin",), branch=made.git_ref)

    patch = proposals.patch_of(proposals.offer_of(made))

    assert "diff --git a/a.txt b/a.txt\nindex 7898192..f70f10e 100644\n--- a/a.txt\n+++ b/a.txt\n" in patch
    assert "@@ -1 +1 @@\n-a\n+A\n" in patch
    assert "Binary files /dev/null and b/bin differ\n" in patch
    assert "@@ -0,0 +1 @@\n+n\n\\ No newline at end of file\n" in patch
    assert "+oid sha256:" in patch
    assert "new file mode 100644\nindex 0000000.." in patch


def test_webhooks_hear_of_commits_and_of_what_is_said(repo):
    RepoEvent.objects.all().delete()

    made = opened(repo, {"new.txt": b"new"}, text="Words")
    merge(made)

    told = [(f"{event.scope}.{event.action}", event.details) for event in RepoEvent.objects.order_by("pk")]
    assert [name for name, _details in told] == [
        "discussion.create",
        "repo.content.update",
        "repo.content.update",
        "discussion.update",
    ]
    assert told[1][1]["updated_refs"][0]["ref"] == "refs/pr/1"
    assert told[2][1]["updated_refs"][0]["ref"] == "refs/heads/main"
    assert told[3][1]["discussion"]["status"] == "merged"


def test_a_patch_has_bounds(repo, monkeypatch):
    made = opened(repo, {"a.txt": b"A\n" * 20, "b.txt": b"B\n" * 20, "c.txt": b"C\n" * 20})
    offer = proposals.offer_of(made)
    whole = proposals.patch_of(offer)

    monkeypatch.setattr(proposals, "MOST_PATCH_BYTES", len(whole) // 2)
    short = proposals.patch_of(offer)
    monkeypatch.setattr(proposals, "MOST_COMPARED_BYTES", 50)
    shorter = proposals.patch_of(offer)

    assert "# " not in whole
    assert short.endswith("# 2 more files differ\n")
    assert shorter.endswith("# 2 more files differ\n")
