"""Mirrored commits keep the id they have upstream; where git's object is at hand it must bear the files out."""

import subprocess
from datetime import UTC, datetime

import pytest

from catalog.actions.history import commits
from catalog.errors import BlobNotUploaded, HashMismatch, InvalidPath
from catalog.models import Mirror, RepoFacts, TreeEntry
from catalog.queries import integrity, trees
from catalog.types import AddFile, DeleteFile, UpstreamCommit
from tests.factories import RepoFactory, add, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def repo():
    repo = RepoFactory(initial_commit=False)
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="http://hub.example", upstream_name="a/b")
    return repo


class Upstream:
    """A repository made by the real git."""

    def __init__(self, folder):
        self.folder = folder
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Zoë Ünïcode")
        self.git("config", "user.email", "zoe@example.org")

    def git(self, *arguments):
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=environment, capture_output=True, check=True)
        return done.stdout

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message, "--date", "2024-02-29T12:00:00+0545")
        oid = self.git("rev-parse", "HEAD").decode().strip()
        return UpstreamCommit(
            oid=oid,
            raw=self.git("cat-file", "commit", oid),
            title=message,
            message="",
            author_name="Zoë Ünïcode",
            author_email="zoe@example.org",
            committed_at=datetime(2024, 2, 29, 6, 15, tzinfo=UTC),
        )


@pytest.fixture
def upstream(tmp_path):
    return Upstream(tmp_path)


def record(repo, upstream_commit, *changes):
    return commits.record_upstream_commit(repo=repo, branch="main", changes=list(changes), upstream=upstream_commit)


def problems():
    return list(integrity.problems(with_data=True))


def test_files_modes_and_ids_are_upstreams_own(repo, upstream):
    (upstream.folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (upstream.folder / "run.sh").chmod(0o755)
    (upstream.folder / "Data").mkdir()
    (upstream.folder / "Data/con.txt").write_bytes(b"allowed elsewhere")
    (upstream.folder / "data").symlink_to("Data")
    theirs = upstream.commit("first")

    made = record(
        repo,
        theirs,
        add(repo, "run.sh", b"#!/bin/sh\n", mode=0o100755),
        add(repo, "Data/con.txt", b"allowed elsewhere"),
        add(repo, "data", b"Data", mode=TreeEntry.MODE_SYMLINK),
    )

    assert made.oid == theirs.oid
    assert made.tree_oid == upstream.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert not made.upstream_stated
    assert trees.resolve_revision(repo, "main") == made
    (collision,) = RepoFacts.objects.get(repo=repo).file_problems
    assert collision["path"] == "Data/con.txt"
    assert problems() == []


def test_a_later_sync_keeps_the_history_it_has(repo, upstream):
    (upstream.folder / "a").write_bytes(b"1")
    (upstream.folder / "b").write_bytes(b"2")
    first = record(repo, upstream.commit("first"), add(repo, "a", b"1"), add(repo, "b", b"2"))
    (upstream.folder / "skipped").write_bytes(b"3")
    upstream.commit("never mirrored")
    (upstream.folder / "b").unlink()
    (upstream.folder / "a").write_bytes(b"4")
    theirs = upstream.commit("third")

    made = record(repo, theirs, add(repo, "a", b"4"), add(repo, "skipped", b"3"), DeleteFile("b"))
    again = record(repo, theirs, add(repo, "a", b"4"))

    assert again == made
    assert made.parents != [first.oid]
    assert [one.oid for one in trees.history(made)] == [made.oid, first.oid]
    assert trees.file_at(first, "a").size == 1
    assert problems() == []


def test_other_files_than_the_commit_names_are_refused(repo, upstream):
    (upstream.folder / "a").write_bytes(b"1")
    theirs = upstream.commit("first")

    with pytest.raises(HashMismatch):
        record(repo, theirs, add(repo, "a", b"other"))
    with pytest.raises(HashMismatch):
        record(repo, UpstreamCommit(**{**vars(theirs), "raw": theirs.raw + b"!"}), add(repo, "a", b"1"))

    assert not repo.commits.exists()
    assert trees.refs_of(repo) == []


def test_without_the_object_the_id_is_upstreams_word(repo, upstream):
    (upstream.folder / "a").write_bytes(b"1")
    theirs = UpstreamCommit(**{**vars(upstream.commit("first")), "raw": None})

    made = record(repo, theirs, add(repo, "a", b"1"))

    assert (made.oid, made.upstream_stated, made.raw) == (theirs.oid, True, None)
    assert made.tree_oid == upstream.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert problems() == []


def test_dangerous_paths_and_foreign_bytes_are_refused_from_upstream_too(repo, upstream):
    (upstream.folder / "a").write_bytes(b"1")
    theirs = upstream.commit("first")

    with pytest.raises(InvalidPath):
        record(repo, theirs, AddFile("a/../../b", sha256=store(repo, b"mine")))
    with pytest.raises(BlobNotUploaded):
        record(repo, theirs, add(RepoFactory(), "a", b"1"))
