"""What a namespace may hold, and that nobody learns from it or from the store's work what others hold."""

from __future__ import annotations

import hashlib
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog.actions import quotas, repos
from catalog.actions.incoming import uploads
from catalog.errors import QuotaExceeded
from catalog.models import RepoBlob
from catalog.storage.s3 import S3Store
from catalog.stores import blob_store
from tests.factories import RepoFactory, commit_content, store, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def repo():
    return RepoFactory()


def limit(repo, size):
    used = quotas.used_bytes(repo.namespace_id)
    quotas.set_limit(namespace=repo.namespace, limit_bytes=used + size, actor=None)


def test_bytes_beyond_the_limit_are_refused_and_leave_nothing(repo):
    limit(repo, 10)
    store(repo, b"ten bytes!")

    with pytest.raises(QuotaExceeded, match="may hold"):
        store(repo, b"x")
    with pytest.raises(QuotaExceeded):
        uploads.store_many(repo=repo, contents=[b"y"])
    with pytest.raises(QuotaExceeded):
        uploads.open_upload(repo=repo, actor=repo.created_by, sha256="1" * 64, size=1)
    assert store(repo, b"ten bytes!")
    assert not RepoBlob.objects.filter(repo=repo, blob__size=1).exists()


def test_what_was_announced_counts_against_what_is_announced(repo):
    limit(repo, 10)
    uploads.open_upload(repo=repo, actor=repo.created_by, sha256="1" * 64, size=6)

    with pytest.raises(QuotaExceeded):
        uploads.open_upload(repo=repo, actor=repo.created_by, sha256="2" * 64, size=6)
    uploads.open_upload(repo=repo, actor=repo.created_by, sha256="1" * 64, size=6)


def test_each_repo_counts_its_own_bytes_and_deleted_ones_none(repo):
    second = RepoFactory(actor=repo.created_by)
    before = quotas.used_bytes(repo.namespace_id)

    for one in (repo, second, RepoFactory()):
        store(one, b"the same")

    assert quotas.used_bytes(repo.namespace_id) == before + 16
    repos.delete_repo(repo=second, actor=repo.created_by)
    assert quotas.used_bytes(repo.namespace_id) < before + 16


def test_the_hub_says_413_and_why(repo, client):
    limit(repo, 10)
    asked = {"operation": "upload", "objects": [{"oid": "1" * 64, "size": 11}], "transfers": ["basic"]}

    answer = client.post(
        f"/{repo.full_name}.git/info/lfs/objects/batch", json.dumps(asked), content_type="application/json",
        headers={"Authorization": f"Bearer {token_of(repo.created_by)}"},
    )  # fmt: skip

    assert (answer.status_code, answer["X-Error-Code"]) == (413, "QuotaExceeded")
    assert repo.namespace.name in answer["X-Error-Message"]


def test_the_command_sets_and_shows(repo, settings):
    name = repo.namespace.name

    assert "of no limit" in quota(name)
    assert "of 2.5 GB" in quota(name, "2.5")
    settings.NAMESPACE_QUOTA_GB = 7
    assert "of no limit" in quota(name, "none")
    assert "of 7 GB" in quota(name, "site")
    for wrong in ("-1", "much", "nan"):
        with pytest.raises(CommandError):
            quota(name, wrong)


def quota(*arguments):
    out = StringIO()
    call_command("set_quota", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("scope", "visibility", "sender", "is_written_again"),
    [
        ("", "private", "another owner", True),
        ("", "private", "the same owner", False),
        ("", "public", "another owner", False),
        ("owner", "public", "another owner", True),
        ("global", "private", "another owner", False),
    ],
)
def test_only_whose_bytes_may_be_known_spare_the_store_its_work(settings, scope, visibility, sender, is_written_again):
    settings.DEDUP_SCOPE = scope
    if isinstance(blob_store(), S3Store):
        versions = {"Status": "Enabled"}
        blob_store().bucket.client.put_bucket_versioning(
            Bucket=blob_store().bucket.name, VersioningConfiguration=versions
        )
    repo = RepoFactory(visibility=visibility)
    store(RepoFactory(actor=repo.created_by) if sender == "the same owner" else RepoFactory(), b"the same")
    before = written(b"the same")

    store(repo, b"the same")

    assert (written(b"the same") != before) == is_written_again
    assert blob_store().read_range(sha256(b"the same"), 0, 99) == b"the same"


def written(content):
    """What changes when bytes are put in place again: the inode here, the version on S3."""
    where = blob_store()
    path = where.local_path(sha256(content))
    if path is not None:
        return path.stat().st_ino
    return where.bucket.client.head_object(Bucket=where.bucket.name, Key=where._key(sha256(content)))["VersionId"]


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_committing_holds_what_it_counts(repo):
    limit(repo, 7)

    commit_content(repo, {"a": b"content"})

    with pytest.raises(QuotaExceeded):
        commit_content(repo, {"b": b"more"})
