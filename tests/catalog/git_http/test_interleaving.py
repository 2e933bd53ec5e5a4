"""Pushes and commits through the API at the same moment: each builds on the one before, none is lost."""

import threading

import pytest
from django.db import connection

from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.errors import BranchMoved
from catalog.queries import integrity, trees
from catalog.types import AddFile
from tests.catalog.git_http.conftest import Objects, basic, sent
from tests.factories import RepoFactory
from tests.raw_client import RawClient

WRITERS, ROUNDS = 3, 4


@pytest.mark.django_db(transaction=True)
def test_pushes_and_commits_on_one_branch_follow_one_another():
    repo = RepoFactory()
    user = repo.created_by
    header = basic(user)
    done: list[tuple[str, str]] = []  # path, commit
    lock = threading.Lock()

    def pushes(name):
        client = RawClient()
        left = ROUNDS
        while left:
            head = trees.resolve_revision(repo, "main")
            made = Objects()
            items = [(entry.mode, entry.path, entry.oid) for entry in trees.entries_of(head)]
            path = f"{name}-{left}"
            new = made.commit(made.tree(*items, (0o100644, path, made.blob(path.encode()))), head.oid, message=path)
            told = sent(client, repo, header, {"refs/heads/main": (head.oid, new)}, made)
            if told.report["refs/heads/main"] == "ok":
                left -= 1
                with lock:
                    done.append((path, new))

    def commits_(name):
        left = ROUNDS
        while left:
            path = f"{name}-{left}"
            blob = uploads.store_bytes(repo=repo, actor=user, chunks=[path.encode()])
            head = trees.resolve_revision(repo, "main")
            try:
                made = commits.commit_files(
                    repo=repo,
                    branch="main",
                    changes=[AddFile(path, blob.sha256)],
                    title=path,
                    parent=head.oid,
                    actor=user,
                )
            except BranchMoved:
                continue
            left -= 1
            with lock:
                done.append((path, made.oid))

    def run(work, name):
        try:
            work(name)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(work, f"{work.__name__}{number}"))
        for work in (pushes, commits_)
        for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    head = trees.resolve_revision(repo, "main")
    history = [commit.oid for commit in trees.history(head, limit=1000)]
    assert len(done) == 2 * WRITERS * ROUNDS
    assert sorted(oid for _path, oid in done) == sorted(history[:-1])
    assert {path for path, _oid in done} <= {entry.path for entry in trees.entries_of(head)}
    assert not list(integrity.problems(with_data=True))
