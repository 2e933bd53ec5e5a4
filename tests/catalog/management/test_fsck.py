import json
from io import StringIO

import pytest
from django.core.management import call_command

from catalog.actions.history import commits
from catalog.models import Blob, Commit, Ref, RepoBlob, TreeEntry
from catalog.stores import blob_store
from catalog.types import DeleteFile
from tests.factories import RepoFactory, add, commit_content

pytestmark = pytest.mark.django_db


def fsck(*options):
    """Returns the problems it prints; the exit status must agree."""
    out = StringIO()
    try:
        call_command("fsck", *options, stdout=out)
        status = 0
    except SystemExit as left:
        status = left.code
    problems = [json.loads(line) for line in out.getvalue().splitlines()]
    assert status == (1 if problems else 0)
    return problems


@pytest.fixture
def repo():
    """With folders, deletions, and a branch that grew apart."""
    repo = RepoFactory()
    base = commit_content(repo, {"a/b/c.txt": b"1", "a/d.txt": b"2", "w.bin": b"weights"}, lfs=("w.bin",))
    commit_content(repo, {"a/b/c.txt": b"3"})
    commits.create_branch(repo=repo, name="dev", start=base.oid, actor=repo.created_by)
    commits.commit_files(
        repo=repo,
        branch="dev",
        changes=[DeleteFile("a/b/c.txt"), add(repo, "e", b"4")],
        title="dev",
        actor=repo.created_by,
    )
    commit_content(repo, {"a/b/c.txt": b"5"}, branch="dev")
    return repo


def blob_at(repo, path):
    return TreeEntry.objects.filter(line__repo=repo, path=path).latest("pk").blob


def test_a_healthy_site_is_clean(repo):
    assert fsck() == []
    assert fsck("--data") == []


def test_a_missing_file_is_found(repo):
    blob = blob_at(repo, "w.bin")
    path = blob_store().local_path(blob.sha256)
    content = path.read_bytes()
    path.unlink()

    try:
        (problem,) = fsck()
    finally:
        path.write_bytes(content)
    assert problem["oid"] == blob.sha256
    assert "missing" in problem["problem"]


def test_a_flipped_bit_is_found_by_reading_the_data(repo):
    path = blob_store().local_path(blob_at(repo, "w.bin").sha256)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"Weights")

    try:
        assert fsck() == []
        (problem,) = fsck("--data")
    finally:
        path.write_bytes(content)
    assert "hash" in problem["problem"]


@pytest.mark.parametrize("change", [{"mode": 0o100755}, {"path": "a/b/C.txt"}, {"oid": "0" * 40}])
def test_an_entry_that_was_tampered_with_is_found(repo, change):
    entry = TreeEntry.objects.filter(path="a/b/c.txt").earliest("pk")
    TreeEntry.objects.filter(pk=entry.pk).update(**change)

    found = fsck()

    assert {"problem": "the folder does not hash to its id", "path": "a/b"}.items() <= found[0].items()
    assert found[0]["repo"] == f"models/{repo.full_name}"


@pytest.mark.parametrize("change", [{"tree_oid": "0" * 40}, {"parents": []}, {"raw": b"tree x"}, {"raw": None}])
def test_a_commit_that_was_tampered_with_is_found(repo, change):
    head = repo.refs.get(name="main").commit
    Commit.objects.filter(pk=head.pk).update(**change)

    assert head.oid in {problem["oid"] for problem in fsck()}


def test_a_lost_entitlement_is_found(repo):
    RepoBlob.objects.filter(repo=repo, blob=blob_at(repo, "e")).delete()

    (problem,) = fsck()

    assert problem["path"] == "e"


def test_a_lost_branch_and_a_stray_ref_are_found(repo):
    other = RepoFactory()
    Ref.objects.filter(repo=repo, name="main").delete()
    Ref.objects.filter(repo=repo, name="dev").update(commit=other.refs.get().commit)

    assert {problem["problem"] for problem in fsck()} == {
        "the default branch is missing",
        "ref points into another repo",
    }


def test_content_in_use_that_is_to_be_deleted_is_found(repo):
    Blob.objects.filter(pk=blob_at(repo, "e").pk).update(state=Blob.State.CONDEMNED)

    (problem,) = fsck()

    assert problem["problem"] == "the content is in use and condemned"
