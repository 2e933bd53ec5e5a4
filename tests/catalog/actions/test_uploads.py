import hashlib
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.actions.incoming import uploads
from catalog.actions.upkeep import garbage
from catalog.errors import HashMismatch, SizeMismatch, StorageFull, UploadGone
from catalog.models import Blob, RepoBlob, Upload
from catalog.stores import blob_store
from tests.factories import RepoFactory, commit_content, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def repo():
    return RepoFactory()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_bytes_are_durable_known_and_the_repos_to_commit(repo):
    blob = uploads.store_bytes(repo=repo, actor=repo.created_by, chunks=[b"some ", b"bytes"])

    assert (blob.sha256, blob.size, blob.state) == (sha256(b"some bytes"), 10, Blob.State.LIVE)
    assert blob.md5 == hashlib.md5(b"some bytes").hexdigest()
    assert blob_store().read_range(blob.sha256, 0, 99) == b"some bytes"
    assert repo.repo_blobs.get(blob=blob).uncommitted_until > timezone.now() + timedelta(days=6)


@pytest.mark.parametrize(
    ("announced", "problem"),
    [
        ({"sha256": sha256(b"other")}, HashMismatch),
        ({"size": 4}, SizeMismatch),
        ({"size": 6}, SizeMismatch),
        ({"sha256": sha256(b"bytes"), "size": 6}, SizeMismatch),
    ],
)
def test_what_was_not_announced_is_not_kept(repo, announced, problem):
    before = _files()

    with pytest.raises(problem):
        uploads.store_bytes(repo=repo, actor=repo.created_by, chunks=[b"bytes"], **announced)

    assert not Blob.objects.filter(sha256=sha256(b"bytes")).exists()
    assert _files() == before


def _files():
    root = blob_store().root
    return {path for path in root.rglob("*") if path.is_file()}


def test_bytes_we_hold_already_are_read_and_hashed_again(repo):
    store(RepoFactory(), b"secret")

    with pytest.raises(HashMismatch):
        uploads.store_bytes(repo=repo, actor=repo.created_by, chunks=[b"guess!"], sha256=sha256(b"secret"))

    assert uploads.held_by(repo, [sha256(b"secret")]) == {}


def test_a_repo_is_told_only_of_bytes_it_received(repo):
    store(repo, b"mine")
    store(RepoFactory(), b"theirs")

    assert uploads.held_by(repo, [sha256(b"mine"), sha256(b"theirs"), "0" * 64]) == {sha256(b"mine"): 4}


def test_many_small_files_come_back_in_their_order(repo):
    contents = [b"b", b"a", b"", b"b"]

    blobs = uploads.store_many(repo=repo, contents=contents)

    assert [blob.sha256 for blob in blobs] == [sha256(content) for content in contents]
    assert RepoBlob.objects.filter(repo=repo, uncommitted_until__isnull=False).count() == 3
    assert not list((blob_store().root / "incoming").iterdir())


def test_committed_bytes_that_are_sent_again_stay_committed(repo):
    commit_content(repo, {"a": b"content"})

    store(repo, b"content")

    assert repo.repo_blobs.get(blob__sha256=sha256(b"content")).uncommitted_until is None


def test_an_upload_receives_its_bytes_once(repo):
    upload = uploads.open_upload(repo=repo, actor=repo.created_by, sha256=sha256(b"content"), size=7)

    blob = uploads.receive_upload(upload=uploads.upload_in_progress(upload.pk), chunks=[b"content"])

    assert uploads.held_by(repo, [blob.sha256]) == {blob.sha256: 7}
    with pytest.raises(UploadGone):
        uploads.upload_in_progress(upload.pk)


def test_a_wrong_body_leaves_the_upload_open_for_another_try(repo):
    upload = uploads.open_upload(repo=repo, actor=repo.created_by, sha256=sha256(b"content"), size=7)

    with pytest.raises(HashMismatch):
        uploads.receive_upload(upload=upload, chunks=[b"content"[::-1]])

    assert uploads.upload_in_progress(upload.pk) == upload


def test_promised_room_is_not_promised_twice(repo):
    room = blob_store().headroom_bytes()
    first = uploads.open_upload(repo=repo, actor=repo.created_by, sha256="1" * 64, size=room * 2 // 3)

    with pytest.raises(StorageFull):
        uploads.open_upload(repo=repo, actor=repo.created_by, sha256="2" * 64, size=room * 2 // 3)

    Upload.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    uploads.open_upload(repo=repo, actor=repo.created_by, sha256="2" * 64, size=room * 2 // 3)


def test_expired_and_finished_uploads_are_forgotten(repo):
    kept = uploads.open_upload(repo=repo, actor=repo.created_by, sha256="1" * 64, size=1)
    late = uploads.open_upload(repo=repo, actor=repo.created_by, sha256="2" * 64, size=1)
    Upload.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    uploads.finish(uploads.open_upload(repo=repo, actor=repo.created_by, sha256="3" * 64, size=1))

    assert uploads.expire_uploads() == 2
    assert list(Upload.objects.all()) == [kept]


def test_damaged_bytes_are_replaced_by_the_next_upload_of_them(repo):
    blob = Blob.objects.get(sha256=store(repo, b"content"))
    path = blob_store().local_path(blob.sha256)
    path.chmod(0o600)
    path.write_bytes(b"CONTENT")
    Blob.objects.filter(pk=blob.pk).update(state=Blob.State.CORRUPT)
    assert uploads.held_by(repo, [blob.sha256]) == {}

    store(repo, b"content")

    assert path.read_bytes() == b"content"
    blob.refresh_from_db()
    assert blob.state == Blob.State.LIVE


def test_what_was_never_committed_expires_and_the_rest_stays(repo):
    commit_content(repo, {"a": b"committed"})
    forgotten, fresh = store(repo, b"forgotten"), store(repo, b"fresh")
    RepoBlob.objects.filter(blob__sha256=forgotten).update(uncommitted_until=timezone.now())

    assert garbage.expire_uncommitted() == 1

    assert set(uploads.held_by(repo, [forgotten, fresh, sha256(b"committed")])) == {fresh, sha256(b"committed")}


def test_leftovers_of_killed_uploads_go_after_a_week_and_younger_ones_stay():
    incoming = blob_store().root / "incoming"
    old, young = incoming / "old", incoming / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    assert garbage.clear_leftovers() == 1

    assert (old.exists(), young.exists()) == (False, True)
    young.unlink()
