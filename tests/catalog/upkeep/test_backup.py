"""The drill: a backup made while the site works is restored into an empty directory and is whole."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.actions.upkeep import backup
from catalog.errors import BackupUnusable, LeaseLost
from catalog.models import Blob, UpkeepLease
from catalog.stores import blob_store
from marketplace.data_dir import kept_secret
from tests.factories import RepoFactory, commit_content
from tests.processes import ROOT
from tests.up import clean_environment

pytestmark = pytest.mark.django_db(transaction=True)
LOCAL = (
    "test_a_damaged_content_is_named_and_the_rest_is_copied",
    "test_a_lease_that_ran_out_spoils_the_backup",
    "test_only_a_backup_is_restored_and_only_into_an_empty_site",
)


@pytest.fixture
def repo():
    repo = RepoFactory()
    commit_content(repo, {"a/b": b"content", "w.bin": b"weights" * 1000}, lfs=("w.bin",))
    return repo


def back_up(folder: Path) -> str:
    out = StringIO()
    call_command("backup", str(folder), stdout=out)
    return out.getvalue()


def test_a_restored_site_is_whole(repo, tmp_path, settings):
    folder, home = tmp_path / "backup", tmp_path / "restored"
    assert "were new" in back_up(folder)
    commit_content(repo, {"later": b"more"})
    assert back_up(folder).endswith("; 1 were new\n")

    told = restore(folder, home)

    assert told.splitlines()[-1] == "the site is whole"
    restored = {path.name for path in home.glob("blobs/blobs/sha256/*/*/*")}
    assert restored == set(Blob.objects.values_list("sha256", flat=True))
    for name in ("token_pepper", "signing_key"):
        assert kept_secret(home, name) == kept_secret(settings.DATA_DIR, name)


def restore(folder: Path, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", str(folder)],
        check=False, cwd=ROOT,
        env=clean_environment() | {"MARKETPLACE_DATA_DIR": str(home)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_damaged_content_is_named_and_the_rest_is_copied(repo, tmp_path):
    blob = Blob.objects.get(size=7000)
    blob_store().local_path(blob.sha256).write_bytes(b"x" * 7000)
    err = StringIO()

    with pytest.raises(SystemExit):
        call_command("backup", str(tmp_path / "backup"), stdout=StringIO(), stderr=err)

    assert err.getvalue().startswith(blob.sha256)
    manifest = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    assert (manifest["missing"], manifest["copied"]) == ([blob.sha256], Blob.objects.count() - 1)


def test_a_lease_that_ran_out_spoils_the_backup(repo, tmp_path):
    folder = tmp_path / "backup"
    back_up(folder)
    before = (folder / "database.dump").read_bytes()

    def dump(to: Path) -> None:
        to.write_bytes(b"new")
        UpkeepLease.objects.all().delete()  # as if its holder had been silent for minutes

    with pytest.raises(LeaseLost):
        backup.back_up(folder, dump=dump)
    assert (folder / "database.dump").read_bytes() == before


def test_only_a_backup_is_restored_and_only_into_an_empty_site(repo, tmp_path):
    with pytest.raises(CommandError, match="holds no backup"):
        call_command("restore", str(tmp_path))
    back_up(tmp_path / "backup")
    with pytest.raises(CommandError, match="empty site"):
        call_command("restore", str(tmp_path / "backup"))
    (tmp_path / "backup" / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(BackupUnusable, match="cannot read"):
        backup.check(tmp_path / "backup")
