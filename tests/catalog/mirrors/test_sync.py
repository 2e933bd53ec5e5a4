"""Mirroring from another instance of this server, over real HTTP."""

from __future__ import annotations

import fcntl
import os
from datetime import timedelta
from threading import Event

import pytest
from django.utils import timezone

from catalog import access
from catalog.actions.mirroring import mirror_sync, mirrors, sync_leases
from catalog.actions.mirroring.mirror_sync import Turn
from catalog.actions.mirroring.mirrors import Upstream
from catalog.actors import Actor
from catalog.errors import InvalidReference, LeaseLost, MirrorIsReadOnly, UpstreamNotAllowed
from catalog.models import Repo, SyncRun
from catalog.queries import trees
from catalog.stores import blob_store
from tests.catalog.mirrors.unreliable import UnreliableHub
from tests.processes import free_port

pytestmark = pytest.mark.django_db

CARD = b"---\nlicense: mit\npipeline_tag: text-classification\nlanguage: pl\n---\n# Kopia\n"
WEIGHTS = os.urandom(300_000)


def _content(repo: Repo, path: str) -> bytes:
    entry = trees.file_at(trees.resolve_revision(repo, "main"), path)
    assert entry.blob is not None
    with blob_store().open(entry.blob.sha256) as file:
        return file.read()


def test_a_mirror_holds_the_same_files_under_the_same_commit_id(upstream, mirrored):
    oid = upstream.put({"README.md": CARD, "sub/weights.bin": WEIGHTS, "note.txt": b"hello\n"}, message="Add it")
    run = mirrored(upstream)

    mirror_sync.sync(run.pk)

    run.refresh_from_db()
    repo = Repo.objects.get(pk=run.mirror.repo_id)
    head = trees.resolve_revision(repo, "main")
    assert (run.state, run.reason) == (SyncRun.State.SUCCEEDED, "")
    assert (head.oid, head.title, head.upstream_stated) == (oid, "Add it", False)
    assert _content(repo, "sub/weights.bin") == WEIGHTS
    assert trees.file_at(head, "sub/weights.bin").is_lfs
    assert repo.visibility == Repo.Visibility.PUBLIC
    assert (repo.facts.task, repo.facts.licence, repo.facts.languages) == ("text-classification", "mit", ["pl"])
    assert run.progress["bytes_done"] == run.progress["bytes_total"] == run.progress["bytes_fetched"]
    run.mirror.refresh_from_db()
    assert run.mirror.licence_evidence == [{"kind": "card field", "value": "mit"}]


def test_the_second_sync_fetches_only_what_changed(upstream, mirrored, owner):
    upstream.put({"README.md": CARD, "weights.bin": WEIGHTS, "old.txt": b"old\n"})
    run = mirrored(upstream)
    mirror_sync.sync(run.pk)
    oid = upstream.put({"note.txt": b"new\n", "weights-copy.bin": WEIGHTS}, delete=("old.txt",))

    again = mirrors.request_sync(mirror=run.mirror, actor=Actor(user=owner))
    mirror_sync.sync(again.pk)

    again.refresh_from_db()
    head = trees.resolve_revision(again.mirror.repo, "main")
    assert again.state == SyncRun.State.SUCCEEDED
    assert head.oid == oid
    assert again.bytes_fetched == len(b"new\n")
    paths = [entry.path for entry in trees.entries_of(head)]
    assert paths == [".gitattributes", "README.md", "note.txt", "weights-copy.bin", "weights.bin"]


def test_a_sync_without_news_fetches_nothing(upstream, mirrored, owner):
    upstream.put({"README.md": CARD})
    run = mirrored(upstream)
    mirror_sync.sync(run.pk)

    again = mirrors.request_sync(mirror=run.mirror, actor=Actor(user=owner))
    mirror_sync.sync(again.pk)

    again.refresh_from_db()
    assert (again.state, again.bytes_fetched) == (SyncRun.State.SUCCEEDED, 0)
    assert again.mirror.repo.commits.count() == 1


def test_asking_twice_joins_the_sync_that_is_under_way(upstream, mirrored, owner):
    run = mirrored(upstream)

    again = mirrors.request_sync(mirror=run.mirror, actor=Actor(user=owner))

    assert again.pk == run.pk


def test_a_private_upstream_stays_private_here(upstream, mirrored, upstream_token):
    upstream.put({"README.md": CARD})
    upstream.make_private()
    without, with_token = mirrored(upstream), mirrored(upstream, token=upstream_token)

    mirror_sync.sync(without.pk)
    mirror_sync.sync(with_token.pk)

    without.refresh_from_db()
    with_token.refresh_from_db()
    assert (without.state, without.reason_code) == (SyncRun.State.FAILED, "upstream_refused")
    assert "private and needs a token" in without.reason
    assert with_token.state == SyncRun.State.SUCCEEDED
    assert Repo.objects.get(pk=with_token.mirror.repo_id).is_private
    assert upstream_token.encode() not in bytes(with_token.mirror.token_sealed)


def test_what_upstream_does_not_have_fails_with_the_reason(upstream, mirrored):
    upstream.name = "upstream-owner/nothing-here"
    run = mirrored(upstream)

    mirror_sync.sync(run.pk)

    run.refresh_from_db()
    run.mirror.refresh_from_db()
    assert run.state == SyncRun.State.FAILED
    assert "there is no such repo there" in run.reason
    assert run.mirror.upstream_state == "gone"


def test_a_host_off_the_list_is_refused_and_nothing_is_written(upstream, mirrored, owner):
    with pytest.raises(UpstreamNotAllowed, match=r"evil\.example:443 is not on the list"):
        mirrored(upstream, endpoint="https://evil.example")

    assert not owner.namespace.repos.exists()


@pytest.mark.parametrize("revision", ["a..b", "x y", "refs/", "-x"])
def test_a_revision_git_does_not_know_is_refused_and_nothing_is_written(settings, owner, revision):
    settings.MIRROR_ALLOWED_HOSTS = ["127.0.0.1:*"]
    upstream = Upstream("huggingface", "http://127.0.0.1:9", "some/model", revision=revision)

    with pytest.raises(InvalidReference):
        mirrors.add_mirror(upstream=upstream, namespace=owner.namespace, name="copy", visibility="public", actor=owner)

    assert not owner.namespace.repos.exists()


@pytest.mark.parametrize("revision", ["refs/pr/1", "52b1b084b631d4f242e0df277cb91fb1cf5f080c", "52b1b08", "v1.0"])
def test_a_commit_a_tag_and_a_pull_request_can_be_mirrored(settings, owner, revision):
    settings.MIRROR_ALLOWED_HOSTS = ["127.0.0.1:*"]
    upstream = Upstream("huggingface", "http://127.0.0.1:9", "some/model", revision=revision)

    run = mirrors.add_mirror(
        upstream=upstream, namespace=owner.namespace, name="copy", visibility="public", actor=owner
    )

    assert run.mirror.revision == revision


def test_an_upstream_that_is_down_is_tried_again_later(upstream, mirrored):
    run = mirrored(upstream, endpoint=f"http://127.0.0.1:{free_port()}")

    mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert (run.state, run.reason_code) == (SyncRun.State.PAUSED, "upstream_unavailable")
    assert run.not_before > timezone.now()
    assert "connection to 127.0.0.1 failed" in run.reason


def test_a_transfer_that_breaks_off_goes_on_where_it_was(upstream, mirrored):
    upstream.put({"weights.bin": WEIGHTS})
    with UnreliableHub.before(upstream.endpoint) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        proxy.cuts = [len(WEIGHTS), 100_000, 50_000]  # .gitattributes whole, then the weights twice in part

        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    ranges = [asked for path, asked in proxy.fetched if path.endswith("weights.bin")]
    assert run.state == SyncRun.State.SUCCEEDED
    assert ranges == ["", "bytes=100000-", "bytes=150000-"]
    assert _content(run.mirror.repo, "weights.bin") == WEIGHTS


def test_a_sync_whose_turn_is_over_queues_again_and_goes_on_where_it_was(upstream, mirrored):
    upstream.put({"weights.bin": WEIGHTS})
    with UnreliableHub.before(upstream.endpoint) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        proxy.cuts = [len(WEIGHTS), 100_000]

        mirror_sync.sync(run.pk, turn=Turn(seconds=0))
        first = SyncRun.objects.get(pk=run.pk)
        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert (first.state, first.attempt, first.reason) == (SyncRun.State.QUEUED, 0, "")
    assert first.bytes_fetched > 0
    assert (run.state, run.attempt) == (SyncRun.State.SUCCEEDED, 1)
    assert _content(run.mirror.repo, "weights.bin") == WEIGHTS


def test_a_worker_that_is_asked_to_stop_hands_its_sync_back(upstream, mirrored):
    upstream.put({"weights.bin": WEIGHTS})
    run = mirrored(upstream)
    stopping = Event()
    stopping.set()

    mirror_sync.sync(run.pk, turn=Turn(stopping=stopping))

    run.refresh_from_db()
    assert (run.state, run.lease_until, run.attempt) == (SyncRun.State.QUEUED, None, 0)


def test_bytes_somebody_is_still_writing_are_left_to_him(upstream, mirrored, settings):
    upstream.put({"weights.bin": WEIGHTS})
    with UnreliableHub.before(upstream.endpoint) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        proxy.cuts = [len(WEIGHTS), 100_000, 0]  # no progress in one try: the sync pauses with the file in part
        mirror_sync.sync(run.pk)
        (kept,) = [path for path in (settings.DATA_DIR / "partial").iterdir() if path.stat().st_size == 100_000]
        SyncRun.objects.filter(pk=run.pk).update(not_before=timezone.now())
        with kept.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)

            mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert (run.state, run.reason_code) == (SyncRun.State.PAUSED, "busy")
    assert kept.stat().st_size == 100_000


def test_what_was_fetched_in_part_and_forgotten_goes_after_a_week(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    old, new = tmp_path / "partial" / "old", tmp_path / "partial" / "new"
    old.parent.mkdir()
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))

    removed = mirror_sync.clear_partials()

    assert removed == 1
    assert [path.name for path in old.parent.iterdir()] == ["new"]


def test_changed_bytes_are_never_committed(upstream, mirrored):
    upstream.put({"weights.bin": WEIGHTS})
    with UnreliableHub.before(upstream.endpoint) as proxy:
        run = mirrored(upstream, endpoint=proxy.url)
        proxy.flips = True

        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert (run.state, run.reason_code) == (SyncRun.State.FAILED, "hash_mismatch")
    assert not run.mirror.repo.commits.exists()


def test_a_dead_workers_sync_is_taken_over_and_its_fence_is_worthless(upstream, mirrored):
    upstream.put({"README.md": CARD})
    run = mirrored(upstream)
    dead = sync_leases.claim(run.pk)
    assert dead is not None
    SyncRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    sync_leases.expire()
    mirror_sync.sync(run.pk)

    with pytest.raises(LeaseLost):
        sync_leases.renew(dead, bytes_done=1)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (SyncRun.State.SUCCEEDED, 2)


def test_the_same_message_five_times_syncs_once(upstream, mirrored):
    upstream.put({"README.md": CARD})
    run = mirrored(upstream)

    for _ in range(5):
        mirror_sync.sync(run.pk)

    run.refresh_from_db()
    assert (run.state, run.attempt) == (SyncRun.State.SUCCEEDED, 1)


def test_a_mirror_takes_no_commits(upstream, mirrored, owner):
    upstream.put({"README.md": CARD})
    run = mirrored(upstream)
    mirror_sync.sync(run.pk)
    repo = run.mirror.repo

    with pytest.raises(MirrorIsReadOnly, match="duplicate it to edit"):
        access.repo_to_write(Actor(user=owner), repo.kind, repo.namespace.name, repo.name)

    assert access.repo_to_administer(Actor(user=owner), repo.kind, repo.namespace.name, repo.name) == repo
