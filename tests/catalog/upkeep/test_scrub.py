"""Damage is found, kept from everybody, and repaired where the bytes are still to be had."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from catalog.actions.upkeep import scrub
from catalog.errors import BlobUnavailable
from catalog.models import AuditEntry, Blob, Mirror
from catalog.queries import integrity
from catalog.storage.base import open_store
from catalog.stores import blob_store
from tests.factories import RepoFactory, commit_content, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def repo():
    return RepoFactory()


@pytest.fixture
def weights(repo):
    commit_content(repo, {"w.bin": b"weights"}, lfs=("w.bin",))
    return Blob.objects.get(size=7)


def damage(blob, content=b"Weights"):
    """Other bytes under the same name, as a failing disk has them."""
    where = blob_store()
    path = where.local_path(blob.sha256)
    if isinstance(path, Path):
        path.write_bytes(content)
    else:
        where.bucket.client.put_object(Bucket=where.bucket.name, Key=where._key(blob.sha256), Body=content)


def state_of(blob):
    blob.refresh_from_db()
    return blob.state


def test_damaged_bytes_are_never_served_again(repo, weights, client):
    damage(weights)

    done = scrub.scrub(everything=True)

    assert (done.checked, done.damaged, done.repaired, state_of(weights)) == (2, 1, 0, "corrupt")
    answer = client.get(f"/{repo.full_name}/resolve/main/w.bin")
    assert (answer.status_code, answer["X-Error-Code"]) == (503, "BlobUnavailable")
    with pytest.raises(BlobUnavailable):
        blob_store().open(weights.sha256)
    assert AuditEntry.objects.filter(action="blob.corrupt", target=weights.sha256).exists()
    (problem,) = integrity.problems(with_data=True)
    assert (problem.oid, problem.problem) == (weights.sha256, "the content is known to be damaged")


def test_the_next_verified_upload_repairs(repo, weights):
    damage(weights)
    scrub.scrub(everything=True)

    store(repo, b"weights")

    assert (state_of(weights), blob_store().read_range(weights.sha256, 0, 9)) == ("live", b"weights")
    assert list(integrity.problems(with_data=True)) == []


def test_bytes_in_the_trash_repair_what_went_missing(weights):
    blob_store().remove(weights.sha256, at=1.0)

    done = scrub.scrub(everything=True)

    assert (done.damaged, done.repaired, state_of(weights)) == (1, 1, "live")


def test_a_replica_repairs(weights, settings, tmp_path):
    settings.REPLICA_URL = f"file://{tmp_path}/replica"
    replica = open_store(settings.REPLICA_URL)
    with replica.stage(expected_size=None) as staged:
        staged.write(b"weights")
        staged.finish()
        replica.publish(staged)
    damage(weights)

    done = scrub.scrub(everything=True)

    assert (done.damaged, done.repaired, state_of(weights)) == (1, 1, "live")
    assert blob_store().read_range(weights.sha256, 0, 9) == b"weights"


def test_a_replica_with_other_bytes_repairs_nothing(weights, settings, tmp_path):
    settings.REPLICA_URL = f"file://{tmp_path}/replica"
    path = open_store(settings.REPLICA_URL)._path(weights.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"wEights")
    damage(weights)

    assert scrub.scrub(everything=True).repaired == 0
    assert state_of(weights) == "corrupt"


def test_a_mirror_that_cannot_be_reached_repairs_nothing_and_breaks_nothing(repo, weights, settings):
    settings.MIRROR_ALLOWED_HOSTS = []
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="https://hub.example", upstream_name="a/b")
    damage(weights)

    assert scrub.scrub(everything=True).repaired == 0
    assert state_of(weights) == "corrupt"


def test_what_was_read_lately_is_left_alone(weights, settings):
    assert scrub.scrub().checked == 0

    Blob.objects.filter(pk=weights.pk).update(created_at=Now() - timedelta(days=settings.SCRUB_DAYS + 1))
    assert scrub.scrub().checked == 1
    assert scrub.scrub().checked == 0


def test_bytes_that_are_back_unharmed_live_again(weights):
    blob_store().remove(weights.sha256, at=1.0)
    Blob.objects.filter(pk=weights.pk).update(state=Blob.State.CORRUPT, state_since=Now())
    blob_store().recover(weights.sha256, before=5.0)

    assert scrub.scrub().damaged == 0
    assert state_of(weights) == "live"


def test_a_store_that_is_not_mounted_is_not_taken_for_damage(repo, monkeypatch):
    commit_content(repo, {f"f{number}": b"%d" % number for number in range(30)})
    for blob in Blob.objects.all():
        blob_store().remove(blob.sha256, at=1.0)
    blob_store().empty_trash(before=2.0)

    with pytest.raises(BlobUnavailable, match="mounted"):
        scrub.scrub(everything=True)
    assert Blob.objects.filter(state=Blob.State.LIVE).count() >= 10


def test_it_reads_no_faster_than_told():
    slept = []
    pace = scrub._Pace(1000.0, slept.append)

    pace.slow_down(5000)

    assert slept[0] == pytest.approx(5, abs=0.2)


def test_the_command_says_what_it_found(weights):
    assert run() == (0, {"checked": 0, "checked_bytes": 0, "damaged": 0, "repaired": 0})
    damage(weights)

    status, found = run("--all", "--mb-per-second", "0")

    assert (status, found["damaged"]) == (1, 1)


def run(*options):
    out, status = StringIO(), 0
    try:
        call_command("scrub", *options, stdout=out)
    except SystemExit as left:
        status = left.code
    return status, json.loads(out.getvalue())
