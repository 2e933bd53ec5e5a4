"""Bytes that nobody needs go, step by step; bytes that somebody needs stay, whatever happens in between."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from catalog.actions.history import removal
from catalog.actions.incoming import uploads
from catalog.actions.upkeep import collection, garbage, upkeep_leases
from catalog.actions.upkeep.collection import Graces
from catalog.errors import CollectionRefused, UpkeepBusy
from catalog.models import Blob, RepoBlob, UpkeepLease
from catalog.queries import integrity, referrers
from catalog.stores import blob_store
from evaluation.models import RunOutput
from tests.evaluation import arrangement
from tests.factories import RepoFactory, commit_content, store

pytestmark = pytest.mark.django_db

FAR = 2.0**40
NO_GRACE = Graces(untouched=timedelta(0), condemned=timedelta(0), trashed=timedelta(0))
KEEPING_TRASH = Graces(untouched=timedelta(0), condemned=timedelta(0), trashed=timedelta(days=7))
CONFIGURED = Graces.configured()


@pytest.fixture
def repo():
    """With enough content that one blob is less than a tenth of it."""
    repo = RepoFactory()
    commit_content(repo, {f"kept{number}": b"kept content %d" % number for number in range(20)})
    return repo


def forgotten(repo, content=b"forgotten"):
    """Bytes that were sent and whose entitlement ended."""
    sha256 = store(repo, content)
    RepoBlob.objects.filter(blob__sha256=sha256).delete()
    return sha256


def state_of(sha256):
    return Blob.objects.filter(sha256=sha256).values_list("state", flat=True).first()


def age(sha256, **since):
    Blob.objects.filter(sha256=sha256).update(**{name: Now() - span for name, span in since.items()})


def test_forgotten_bytes_go_and_committed_ones_stay(repo):
    sha256, waiting = forgotten(repo), store(repo, b"not committed yet")
    kept = set(Blob.objects.exclude(sha256=sha256).values_list("sha256", flat=True))

    done = collection.collect(NO_GRACE)

    assert (done.condemned, done.deleted, done.deleted_bytes, done.emptied) == (1, 1, 9, 1)
    assert set(Blob.objects.values_list("sha256", flat=True)) == kept == {file.sha256 for file in blob_store().walk()}
    assert waiting in kept
    assert not blob_store().recover(sha256, before=FAR)
    assert list(integrity.problems(with_data=True)) == []


def test_each_step_waits_for_its_grace(repo):
    sha256 = forgotten(repo)

    assert collection.collect(CONFIGURED).condemned == 0
    age(sha256, touched_at=timedelta(hours=49))
    assert collection.collect(CONFIGURED).condemned == 1
    assert (state_of(sha256), collection.collect(CONFIGURED).deleted) == ("condemned", 0)
    age(sha256, state_since=timedelta(minutes=61))
    assert (collection.collect(CONFIGURED).deleted, state_of(sha256)) == (1, None)
    assert blob_store().size(sha256) is None
    assert collection.collect(CONFIGURED).emptied == 0

    assert blob_store().recover(sha256, before=FAR)


def test_condemned_bytes_that_are_sent_again_live(repo):
    sha256 = forgotten(repo)
    collection.collect(Graces(timedelta(0), timedelta(hours=1), timedelta(0)))
    assert state_of(sha256) == "condemned"

    store(repo, b"forgotten")

    assert state_of(sha256) == "live"
    assert collection.collect(NO_GRACE).deleted == 0
    assert blob_store().read_range(sha256, 0, 99) == b"forgotten"


def test_condemned_bytes_that_a_repo_got_hold_of_are_spared(repo):
    sha256 = forgotten(repo)
    collection.collect(Graces(timedelta(0), timedelta(hours=1), timedelta(0)))
    RepoBlob.objects.create(repo=repo, blob=Blob.objects.get(sha256=sha256))

    done = collection.collect(NO_GRACE)

    assert (done.spared, done.deleted, state_of(sha256)) == (1, 0, "live")


@pytest.mark.parametrize("file_is", ["in place", "in the trash"])
def test_a_killed_run_is_finished_by_the_next(repo, file_is):
    sha256 = forgotten(repo)
    Blob.objects.filter(sha256=sha256).update(state=Blob.State.DELETING, state_since=Now())
    if file_is == "in the trash":
        blob_store().remove(sha256, at=0.0)

    assert collection.collect(KEEPING_TRASH).deleted == 1

    assert (state_of(sha256), blob_store().size(sha256)) == (None, None)


@pytest.mark.parametrize("file_is", ["in place", "in the trash", "damaged"])
def test_half_deleted_bytes_that_are_needed_come_back_only_if_they_are_whole(repo, file_is):
    sha256 = store(repo, b"needed")
    Blob.objects.filter(sha256=sha256).update(state=Blob.State.DELETING, state_since=Now())
    if file_is != "in place":
        blob_store().remove(sha256, at=0.0)
    if file_is == "damaged":
        blob_store().empty_trash(before=1.0)

    collection.collect(NO_GRACE)

    assert state_of(sha256) == ("corrupt" if file_is == "damaged" else "live")


def test_half_deleted_bytes_that_are_sent_again_live(repo):
    sha256 = forgotten(repo)
    Blob.objects.filter(sha256=sha256).update(state=Blob.State.DELETING, state_since=Now())
    blob_store().remove(sha256, at=0.0)

    store(repo, b"forgotten")

    assert (collection.collect(NO_GRACE).deleted, state_of(sha256)) == (0, "live")
    assert list(integrity.problems(with_data=True)) == []


def test_an_open_upload_spares_the_bytes_it_announces(repo):
    sha256 = forgotten(repo)
    upload = uploads.open_upload(repo=repo, actor=repo.created_by, sha256=sha256, size=9)

    assert collection.collect(NO_GRACE).deleted == 0
    uploads.finish(upload)
    assert collection.collect(NO_GRACE).deleted == 1


def test_outputs_of_runs_are_spared(repo):
    sha256 = forgotten(repo)
    output = RunOutput.objects.create(run=arrangement.queued(), name="x", blob=Blob.objects.get(sha256=sha256))

    assert collection.collect(NO_GRACE).deleted == 0
    output.delete()
    assert collection.collect(NO_GRACE).deleted == 1


def test_every_foreign_key_that_the_database_knows_is_looked_at():
    asked = {(key.model._meta.db_table, key.column) for key in referrers.keys_to_blobs()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, attname FROM pg_constraint JOIN pg_attribute"
            " ON attrelid = conrelid AND attnum = ANY (conkey)"
            " WHERE contype = 'f' AND confrelid = 'catalog_blob'::regclass"
        )
        known = set(cursor.fetchall())

    assert known == asked
    assert {"catalog_treeentry", "catalog_repoblob", "evaluation_runoutput"} <= {table for table, _ in known}


def test_files_without_a_row_go_to_the_trash_once_they_are_old(repo):
    sha256 = forgotten(repo)
    Blob.objects.filter(sha256=sha256).delete()

    assert collection.collect(CONFIGURED).orphans == 0
    done = collection.collect(KEEPING_TRASH)

    assert (done.orphans, blob_store().size(sha256)) == (1, None)
    assert blob_store().recover(sha256, before=FAR)


def test_more_than_a_tenth_needs_force(repo):
    for number in range(5):
        forgotten(repo, b"forgotten %d" % number)

    with pytest.raises(CollectionRefused, match="5 of 26 blobs"):
        collection.collect(NO_GRACE)

    assert Blob.objects.filter(state=Blob.State.CONDEMNED).count() == 5
    assert collection.collect(NO_GRACE, force=True).deleted == 5


def test_a_store_full_of_unknown_files_is_somebody_elses(repo):
    Blob.objects.filter(sha256=forgotten(repo)).delete()
    ten = [store(repo, b"ten %d" % number) for number in range(10)]
    RepoBlob.objects.filter(blob__sha256__in=ten).delete()
    Blob.objects.filter(sha256__in=ten).delete()

    with pytest.raises(CollectionRefused, match="right database"):
        collection.collect(NO_GRACE)
    assert collection.collect(NO_GRACE, force=True).orphans == 11


def test_nothing_is_deleted_while_a_backup_copies(repo):
    sha256 = forgotten(repo)
    with upkeep_leases.held(upkeep_leases.BACKUP):
        with pytest.raises(UpkeepBusy):
            collection.collect(NO_GRACE)
        assert blob_store().size(sha256) == 9

    UpkeepLease.objects.create(name=upkeep_leases.BACKUP, holder="a dead one", until=Now() - timedelta(seconds=1))
    assert collection.collect(NO_GRACE).deleted == 1


def test_two_collections_do_not_run_at_once(repo):
    with upkeep_leases.held(upkeep_leases.COLLECTION), pytest.raises(UpkeepBusy) as refused:
        collection.collect(NO_GRACE)
    assert "process" in refused.value.facts["holder"]


def test_history_that_is_rewritten_lets_go_of_its_bytes_after_a_week(repo):
    repo.lines.get().entries.filter(path="kept3").delete()

    assert garbage.release_unreferenced(repo) == 1
    assert garbage.expire_uncommitted() == 0
    RepoBlob.objects.filter(uncommitted_until__isnull=False).update(uncommitted_until=Now())
    assert garbage.expire_uncommitted() == 1
    assert collection.collect(NO_GRACE).deleted == 1


def test_the_command_counts_and_deletes_only_when_told(repo, settings):
    settings.GC_GRACE_SECONDS = settings.GC_CONDEMNED_SECONDS = 0
    sha256 = forgotten(repo)

    assert gc() == {"dry_run": True, "condemned": 1, "deleted": 0, "deleted_bytes": 0, "spared": 0, "orphans": 0,
                    "emptied": 0}  # fmt: skip
    assert gc("--delete", "--dry-run")["dry_run"]
    assert state_of(sha256) == "live"
    assert gc("--delete")["deleted"] == 1
    for number in range(5):
        forgotten(repo, b"forgotten %d" % number)
    with pytest.raises(CommandError, match="tenth"):
        gc("--delete")
    assert gc("--delete", "--force")["deleted"] == 5


def gc(*options):
    out = StringIO()
    call_command("gc", *options, stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("rewrite", [True, False])
def test_large_files_deleted_for_good_are_collected(repo, rewrite):
    commit_content(repo, {"big.bin": b"large", "other.bin": b"other"}, lfs=("big.bin", "other.bin"))
    gone, kept = (hashlib.sha256(content).hexdigest() for content in (b"large", b"other"))

    removal.remove_files(repo=repo, sha256s=[gone], rewrite_history=rewrite, actor=repo.created_by)
    collection.collect(NO_GRACE)

    assert (state_of(gone), state_of(kept)) == (None, "live")
    assert blob_store().size(gone) is None
    assert list(integrity.problems(with_data=True)) == []
