"""A revision as a tar: whole, safe to unpack, flat in memory, never silently cut short."""

from __future__ import annotations

import io
import tarfile
import tracemalloc

import pytest

from catalog.errors import BlobUnavailable
from catalog.models import Blob, TreeEntry, WeightsDownload
from catalog.rest_api.v1 import archives
from tests.factories import RepoFactory, UserFactory, commit_content

pytestmark = pytest.mark.django_db


def unpacked(answer) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(answer.streaming_content))) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


def test_a_tar_holds_every_file_of_the_revision_below_one_folder(api):
    repo = RepoFactory(name="tiny")
    head = commit_content(
        repo,
        {"config.json": b"{}", "深/模型.safetensors": b"\x01" * 1000, "a" * 150 + ".txt": b""},
        lfs=("深/模型.safetensors",),
    )

    answer = api().get(f"models/{repo.full_name}/archive/main.tar", Accept="application/x-tar")

    files = unpacked(answer)
    top = f"tiny-{head.oid[:7]}/"
    assert answer["X-Repo-Commit"] == head.oid
    assert answer["Content-Disposition"] == f'attachment; filename="tiny-{head.oid[:7]}.tar"'
    assert files[top + "深/模型.safetensors"] == b"\x01" * 1000
    assert set(files) == {
        top + ".gitattributes",
        top + "config.json",
        top + "深/模型.safetensors",
        top + "a" * 150 + ".txt",
    }


def test_members_say_nothing_of_this_machine_and_old_revisions_stay_reachable(api):
    repo = RepoFactory()
    old = commit_content(repo, {"a.txt": b"old"})
    commit_content(repo, {"a.txt": b"new"})

    stream = b"".join(api().get(f"models/{repo.full_name}/archive/{old.oid}.tar").streaming_content)

    with tarfile.open(fileobj=io.BytesIO(stream)) as archive:
        member = next(member for member in archive.getmembers() if member.name.endswith("a.txt"))
        assert (member.uid, member.gid, member.uname, member.gname, member.mode) == (0, 0, "", "", 0o644)
        assert member.mtime == int(old.committed_at.timestamp())
        assert archive.extractfile(member).read() == b"old"


def test_symbolic_links_are_left_out(api):
    repo = RepoFactory()
    commit_content(repo, {"link": b"/etc/passwd", "a.txt": b"a"})
    TreeEntry.objects.filter(path="link").update(mode=TreeEntry.MODE_SYMLINK)

    files = unpacked(api().get(f"models/{repo.full_name}/archive/main.tar"))

    assert not any(name.endswith("link") for name in files)


def test_a_damaged_blob_refuses_the_whole_archive_before_it_begins(api):
    repo = RepoFactory()
    commit_content(repo, {"a.txt": b"damaged"})
    Blob.objects.filter(size=7).update(state=Blob.State.CORRUPT)

    answer = api().get(f"models/{repo.full_name}/archive/main.tar")

    assert answer.status_code == 503
    assert answer.json()["error_code"] == "BlobUnavailable"
    assert answer["Retry-After"]


def test_bytes_that_are_missing_break_the_stream_instead_of_padding_it():
    repo = RepoFactory()
    commit = commit_content(repo, {"a.txt": b"four"})
    Blob.objects.filter(size=4).update(size=400)

    with pytest.raises(BlobUnavailable):
        list(archives.tar_of(repo, commit))


def test_memory_stays_flat_however_large_a_file_is():
    repo = RepoFactory()
    commit = commit_content(repo, {"model.safetensors": bytes(24 * 1024 * 1024)}, lfs=("model.safetensors",))

    tracemalloc.start()
    sent = sum(len(chunk) for chunk in archives.tar_of(repo, commit))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sent > 24 * 1024 * 1024
    assert peak < 6 * 1024 * 1024


def test_weights_in_an_archive_count_as_use(api):
    repo, reader = RepoFactory(), UserFactory()
    commit_content(repo, {"README.md": b"#", "model.safetensors": b"w"}, lfs=("model.safetensors",))

    unpacked(api(reader, "read").get(f"models/{repo.full_name}/archive/main.tar"))

    assert WeightsDownload.objects.filter(repo=repo, user=reader).exists()


def test_a_known_archive_is_not_sent_again_and_private_ones_are_not_kept_by_caches(api):
    repo = RepoFactory(visibility="private")
    owner = api(repo.created_by)
    address = f"models/{repo.full_name}/archive/main.tar"

    first = owner.get(address)
    again = owner.get(address, **{"If-None-Match": first["ETag"]})
    head = owner.head(address)

    assert first["Cache-Control"] == "private, no-store"
    assert again.status_code == 304
    assert (head.status_code, head.content) == (200, b"")
    assert head["X-Repo-Commit"] == first["X-Repo-Commit"]
