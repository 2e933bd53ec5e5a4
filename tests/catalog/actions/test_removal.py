"""Large files deleted for good: from every commit, or all but their pointers; all else stays true."""

from __future__ import annotations

import hashlib
import random

import pytest

from catalog.actions.community import merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import commits, refs, removal, squash
from catalog.errors import EntryNotFound, MirrorIsReadOnly, NotAllowed, TooLarge
from catalog.models import (
    AuditEntry,
    Commit,
    Discussion,
    DiscussionEvent,
    Mirror,
    RemovedFile,
    RepoBlob,
    RepoEvent,
    TagObject,
    TreeEntry,
)
from catalog.parsing import git_objects
from catalog.parsing.git_objects import TreeItem
from catalog.queries import integrity, trees
from catalog.types import AddFile, DeleteFile
from tests.factories import RepoFactory, commit_content, store

pytestmark = pytest.mark.django_db

BIG = [b"big %d " % number * 50 for number in range(3)]
PATHS = ["a.bin", "sub/b.bin", "sub/deep/c.bin", "other/d.bin"]


@pytest.fixture
def repo():
    return RepoFactory()


def remove(repo, *contents, rewrite=True):
    sha256s = [sha256_of(content) for content in contents]
    return removal.remove_files(repo=repo, sha256s=sha256s, rewrite_history=rewrite, actor=repo.created_by)


def sha256_of(content):
    return hashlib.sha256(content).hexdigest()


def wander(repo, dice, steps):
    """Commits on some branches: large and plain files come, change, move and go; with a pull request and a squash."""
    branches = ["main"]
    for step in range(steps):
        branch = dice.choice(branches)
        held = [entry.path for entry in trees.entries_of(trees.resolve_revision(repo, branch), recursive=True)]
        files = {dice.choice(PATHS): dice.choice(BIG)}
        lfs = tuple(files)
        if dice.random() < 0.5:
            files[f"sub/{dice.choice('xyz')}.txt"] = b"%d" % step
        commit_content(repo, files, lfs=lfs, branch=branch)
        if dice.random() < 0.4 and (doomed := [path for path in held if path.endswith(".bin")]):
            change = DeleteFile(path=dice.choice(doomed))
            commits.commit_files(repo=repo, branch=branch, changes=[change], title="Less", actor=repo.created_by)
        if dice.random() < 0.2:
            branches.append(f"branch{step}")
            refs.create_branch(repo=repo, name=branches[-1], start=branch, actor=repo.created_by)
        if dice.random() < 0.1:
            squash.squash_history(repo=repo, branch=branch, actor=repo.created_by)


def files_of(commit):
    entries = TreeEntry.objects.at(commit).files()
    return {entry.path: (entry.mode, entry.oid) for entry in entries}


def tree_of(files):
    """git's id of these files, computed without intervals."""
    folders, items = {}, []
    for path, (mode, oid) in files.items():
        first, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(first, {})[rest] = (mode, oid)
        else:
            items.append(TreeItem(mode, first, oid))
    items += [TreeItem(TreeEntry.MODE_FOLDER, name, tree_of(inside)) for name, inside in folders.items()]
    return git_objects.object_id("tree", git_objects.tree_body(items))


def problems():
    return list(integrity.problems())


@pytest.mark.parametrize("seed", range(4))
def test_rewriting_takes_a_file_out_of_every_commit_and_nothing_else(repo, seed):
    wander(repo, random.Random(seed), 25)
    pointer = git_objects.object_id("blob", git_objects.pointer_text(sha256_of(BIG[0]), len(BIG[0])))
    before = {commit.pk: files_of(commit) for commit in repo.commits.all()}
    old_oids = dict(repo.commits.values_list("oid", "pk"))

    renamed = remove(repo, BIG[0])

    assert any(pointer in {oid for _mode, oid in files.values()} for files in before.values())
    for commit in repo.commits.all():
        left = {path: item for path, item in before[commit.pk].items() if item[1] != pointer}
        assert files_of(commit) == left
        assert commit.tree_oid == tree_of(left)
    assert renamed == {oid: Commit.objects.get(pk=pk).oid for oid, pk in old_oids.items() if oid in renamed}
    assert not repo.commits.filter(oid__in=renamed).exists()
    assert not RepoBlob.objects.filter(repo=repo, blob__sha256=sha256_of(BIG[0])).exists()
    assert problems() == []
    commit_content(repo, {"sub/after.txt": b"goes on", "a.bin": BIG[1]}, lfs=("a.bin",))
    assert problems() == []


@pytest.mark.parametrize("seed", range(2))
def test_without_rewriting_pointers_stay_and_the_same_bytes_heal_them(repo, seed):
    wander(repo, random.Random(seed), 15)
    before = {commit.oid: files_of(commit) for commit in repo.commits.all()}

    renamed = remove(repo, BIG[0], rewrite=False)

    assert renamed == {}
    assert {commit.oid: files_of(commit) for commit in repo.commits.all()} == before
    assert not RepoBlob.objects.filter(repo=repo, blob__sha256=sha256_of(BIG[0])).exists()
    assert problems() == []
    store(repo, BIG[0])
    assert not TreeEntry.objects.files().filter(line__repo=repo, blob=None).exists()
    assert not RemovedFile.objects.exists()
    assert problems() == []


def test_pointers_left_behind_can_be_taken_out_later(repo):
    commit_content(repo, {"a.bin": BIG[0], "b.txt": b"b"}, lfs=("a.bin",))
    remove(repo, BIG[0], rewrite=False)
    remove(repo, BIG[0], rewrite=False)  # twice is no harm

    remove(repo, BIG[0])

    assert "a.bin" not in files_of(trees.head_of(repo))
    assert not RemovedFile.objects.exists()
    assert problems() == []


def test_tags_pull_requests_and_what_is_said_of_commits_follow(repo):
    first = commit_content(repo, {"a.bin": BIG[0]}, lfs=("a.bin",))
    tag = refs.create_tag(repo=repo, name="v1", revision="main", message="One", actor=repo.created_by)
    raw = f"object {first.oid}\ntype commit\ntag v1\ntagger A <a@b.org> 1700000000 +0000\n\nOne\n".encode()
    TagObject.objects.create(ref=tag, oid=git_objects.object_id("tag", raw), target_oid=first.oid, raw=raw)
    open_one, merged = [
        pull_requests.propose_changes(
            repo=repo,
            proposal=Proposal(f"Offer {path}"),
            changes=[AddFile(path, store(repo, b"x"))],
            actor=repo.created_by,
        )[0]
        for path in ("x.txt", "y.txt")
    ]
    merging.merge_pull_request(discussion=merged, actor=repo.created_by)

    renamed = remove(repo, BIG[0])

    tag.refresh_from_db()
    assert tag.commit.oid == tag.tag_object.target_oid == renamed[first.oid]
    assert git_objects.object_id("tag", bytes(tag.tag_object.raw)) == tag.tag_object.oid
    known = set(repo.commits.values_list("oid", flat=True))
    noted = set(DiscussionEvent.objects.exclude(commit_oid="").values_list("commit_oid", flat=True))
    assert noted | {Discussion.objects.get(pk=merged.pk).merge_oid} <= known
    merging.merge_pull_request(discussion=open_one, actor=repo.created_by)
    assert set(files_of(trees.head_of(repo))) >= {"x.txt", "y.txt"}
    assert problems() == []


def test_webhooks_and_the_audit_log_are_told(repo):
    commit_content(repo, {"a.bin": BIG[0]}, lfs=("a.bin",))

    ((old, new),) = remove(repo, BIG[0]).items()

    event = RepoEvent.objects.latest("pk")
    assert event.details["updated_refs"] == [{"ref": "refs/heads/main", "old": old, "new": new}]
    noted = AuditEntry.objects.latest("pk")
    assert (noted.action, noted.details["files"]) == ("repo.remove_files", [sha256_of(BIG[0])])


def test_facts_follow_what_is_left(repo):
    commit_content(repo, {"a.bin": BIG[0], "b.txt": b"b"}, lfs=("a.bin",))

    remove(repo, BIG[0])

    repo.facts.refresh_from_db()
    kept = TreeEntry.objects.at(trees.head_of(repo)).files()
    assert (repo.facts.file_count, repo.facts.commit) == (kept.count(), trees.head_of(repo))


def test_commits_that_would_become_the_same_stay_apart(repo):
    refs.create_branch(repo=repo, name="side", start="main", actor=repo.created_by)
    one = commit_content(repo, {"a.bin": BIG[0]}, lfs=("a.bin",))
    other = commit_content(repo, {"b.bin": BIG[1]}, lfs=("b.bin",), branch="side")
    raw = bytes(one.raw).replace(one.tree_oid.encode(), other.tree_oid.encode())
    other.raw, other.oid = raw, git_objects.object_id("commit", raw)  # of the same second
    other.save()

    remove(repo, BIG[0], BIG[1])

    assert len(set(repo.commits.values_list("oid", flat=True))) == repo.commits.count() == 3
    assert problems() == []


def test_a_plain_file_of_the_same_bytes_keeps_them(repo):
    commit_content(repo, {"a.bin": BIG[0], "plain.bin": BIG[0]}, lfs=("a.bin",))

    remove(repo, BIG[0])

    assert "plain.bin" in files_of(trees.head_of(repo))
    assert RepoBlob.objects.filter(repo=repo, blob__sha256=sha256_of(BIG[0])).exists()
    assert problems() == []


def test_what_the_repo_does_not_have_as_a_large_file_is_refused_as_a_whole(repo):
    stranger = RepoFactory()
    commit_content(stranger, {"theirs.bin": BIG[1]}, lfs=("theirs.bin",))
    head = commit_content(repo, {"a.bin": BIG[0], "plain.txt": b"plain"}, lfs=("a.bin",))

    for other in (BIG[1], b"plain", b"nobody's"):
        with pytest.raises(EntryNotFound):
            remove(repo, BIG[0], other)

    assert trees.head_of(repo).oid == head.oid


def test_mirrors_stated_ids_and_endless_histories_are_refused(repo, monkeypatch):
    commit = commit_content(repo, {"a.bin": BIG[0]}, lfs=("a.bin",))
    with monkeypatch.context() as patched:
        patched.setattr("catalog.actions.history.line_rewriting.MOST_ROWS", 0)
        with pytest.raises(TooLarge):
            remove(repo, BIG[0])
    Commit.objects.filter(pk=commit.pk).update(raw=None, upstream_stated=True)
    with pytest.raises(NotAllowed):
        remove(repo, BIG[0])
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")

    with pytest.raises(MirrorIsReadOnly):
        remove(repo.__class__.objects.get(pk=repo.pk), BIG[0], rewrite=False)

    assert "a.bin" in files_of(trees.head_of(repo))
