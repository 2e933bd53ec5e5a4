"""Deleted repos come back within the month and are gone after it."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from catalog.actions import repos
from catalog.actions.upkeep import collection, purge, upkeep_leases
from catalog.actions.upkeep.collection import Graces
from catalog.errors import NameTaken, UpkeepBusy
from catalog.models import AuditEntry, Blob, Commit, Repo, TreeEntry
from catalog.queries import integrity
from evaluation.models import Record, Run, RunOutput, Score
from tests.evaluation import arrangement
from tests.factories import RepoFactory, commit_content

pytestmark = pytest.mark.django_db
LOCAL = ("test_names_are_checked_and_listed",)
NO_GRACE = Graces(timedelta(0), timedelta(0), timedelta(0))


@pytest.fixture
def repo():
    repo = RepoFactory()
    commit_content(repo, {"a/b": b"content", "w.bin": b"weights"}, lfs=("w.bin",))
    return repo


def delete(repo, *, days_ago=0):
    repos.delete_repo(repo=repo, actor=repo.created_by)
    Repo.objects.filter(pk=repo.pk).update(deleted_at=Now() - timedelta(days=days_ago))


def test_a_deleted_repo_comes_back_as_it_was(repo, client):
    delete(repo, days_ago=29)
    assert purge.purge_deleted() == 0
    assert collection.collect(NO_GRACE).deleted == 0

    call_command("undelete", repo.full_name, stdout=StringIO())

    assert client.head(f"/{repo.full_name}/resolve/main/w.bin").status_code in (200, 302)
    assert list(integrity.problems(with_data=True)) == []
    assert AuditEntry.objects.filter(action="repo.undelete", actor=None).exists()


def test_a_name_that_is_in_use_again_is_not_taken_away(repo):
    delete(repo)
    RepoFactory(actor=repo.created_by, name=repo.name)

    with pytest.raises(NameTaken):
        purge.undelete(repo=purge.deleted_repo(kind="model", owner=repo.namespace.name, name=repo.name), actor=None)


def test_after_a_month_rows_go_and_then_bytes(repo):
    other = RepoFactory()
    commit_content(other, {"kept": b"content"})
    delete(repo, days_ago=31)

    assert purge.purge_deleted() == 1

    assert not Repo.objects.filter(pk=repo.pk).exists()
    assert not Commit.objects.filter(repo=repo.pk).exists()
    assert not TreeEntry.objects.exclude(line__repo=other).exists()
    assert collection.collect(NO_GRACE, force=True).deleted == 1
    assert set(Blob.objects.values_list("pk", flat=True)) == set(other.repo_blobs.values_list("blob", flat=True))
    assert list(integrity.problems(with_data=True)) == []


def test_a_purged_model_leaves_its_signed_records(settings):
    run = arrangement.scored()
    body = Record.objects.get(run=run).body
    delete(run.repo, days_ago=31)

    assert purge.purge_deleted() == 1

    assert not (Run.objects.exists())
    assert not (Score.objects.exists())
    assert not (RunOutput.objects.exists())
    record = Record.objects.get()
    assert (record.run, record.body) == (None, body)
    assert collection.collect(NO_GRACE, force=True).deleted > 0
    assert list(integrity.problems(with_data=True)) == []


def test_nothing_is_purged_while_a_backup_copies(repo):
    delete(repo, days_ago=31)

    with upkeep_leases.held(upkeep_leases.BACKUP), pytest.raises(UpkeepBusy):
        purge.purge_deleted()
    assert Repo.objects.filter(pk=repo.pk).exists()


def test_names_are_checked_and_listed(repo):
    delete(repo)
    out = StringIO()

    call_command("undelete", stdout=out)

    assert out.getvalue().startswith(f"model {repo.full_name} deleted ")
    with pytest.raises(CommandError, match="namespace/name"):
        call_command("undelete", "nobody")
    with pytest.raises(CommandError, match="not found"):
        call_command("undelete", "nobody/nothing")
