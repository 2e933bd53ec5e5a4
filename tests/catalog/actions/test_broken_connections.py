"""The database goes away in the middle of a commit: nobody is told a wrong outcome."""

import psycopg
import pytest
from django.db import OperationalError, connection

from catalog.actions.history import commits, intervals
from catalog.errors import Busy
from catalog.queries import trees
from tests.factories import RepoFactory, add

pytestmark = pytest.mark.django_db(transaction=True)


def cut_the_connection():
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_connection_lost_before_the_commit_is_told_as_busy(monkeypatch):
    repo = RepoFactory()
    head = trees.resolve_revision(repo, "main")
    change = add(repo, "a", b"a")
    write = intervals.write
    monkeypatch.setattr(intervals, "write", lambda *given: (cut_the_connection(), write(*given)))

    with pytest.raises(Busy):
        commits.commit_files(repo=repo, branch="main", changes=[change], title="x", actor=repo.created_by)

    assert trees.resolve_revision(repo, "main") == head


def test_a_connection_lost_after_the_commit_is_told_as_done(monkeypatch):
    repo = RepoFactory()
    change = add(repo, "a", b"a")
    commit = connection._commit

    def committed_but_not_told():
        commit()
        cut_the_connection()
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "_commit", committed_but_not_told)
    made = commits.commit_files(repo=repo, branch="main", changes=[change], title="x", actor=repo.created_by)
    monkeypatch.undo()

    assert trees.resolve_revision(repo, "main") == made
    assert trees.file_at(made, "a").size == 1
