"""What a child does while a fault waits for it: every way in which bytes are written, and those in which they go.

A scenario is prepared by the parent, undisturbed, and returns the work of the child, which says what was acknowledged.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now

from catalog.actions.community import merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.history import commits, pushes, removal
from catalog.actions.history.pushes import Push, RefUpdate
from catalog.actions.incoming import upload_parts, uploads, xet
from catalog.actions.quarantine import quarantined
from catalog.actions.upkeep import collection, garbage
from catalog.actions.upkeep.collection import Graces
from catalog.models import Repo, RepoBlob, UpkeepLease, User
from catalog.queries import trees
from catalog.types import AddFile, UpstreamCommit
from tests.catalog.git_http.conftest import NOTHING, Objects
from tests.catalog.hub_api.xet_bytes import TermMade, shard_of, xorb_of

NO_GRACE = Graces(timedelta(0), timedelta(0), timedelta(0))

Say = Callable[[str, str, str], None]  # what kind of promise, an id, and a path or "-"
Work = Callable[[Say], None]


@dataclass(frozen=True)
class Round:
    """Where one round takes place; its number makes its bytes unlike all others."""

    repo: Repo
    user: User
    number: int

    def bytes_of(self, name: str, size: int) -> bytes:
        return random.Random(f"{self.number} {name}").randbytes(size)

    def commit(self, files: dict[str, str], say: Say, *, as_lfs: bool = False) -> None:
        changes = [AddFile(path, sha256, as_lfs=as_lfs) for path, sha256 in files.items()]
        made = commits.commit_files(
            repo=self.repo, branch="main", changes=changes, title=str(self.number), actor=self.user
        )
        for path in files:
            say("commit:main", made.oid, path)


def upload_and_commit(here: Round) -> Work:
    """A long body of its own, several small files at once, a commit of all."""

    def work(say: Say) -> None:
        body = here.bytes_of("large", 2_500_000)
        chunks = [body[:1_000_000], body[1_000_000:]]
        sent = [uploads.store_bytes(repo=here.repo, actor=here.user, chunks=chunks, size=len(body))]
        say("upload", sent[0].sha256, "-")
        sent += uploads.store_many(repo=here.repo, contents=[here.bytes_of(f"small {n}", 99) for n in range(3)])
        for blob in sent[1:]:
            say("upload", blob.sha256, "-")
        here.commit({f"{here.number}/{n}": blob.sha256 for n, blob in enumerate(sent)}, say, as_lfs=True)

    return work


def many_small_files(here: Round) -> Work:
    """A batch that is made durable by `syncfs`, and its commit."""

    def work(say: Say) -> None:
        sent = uploads.store_many(repo=here.repo, contents=[here.bytes_of(f"small {n}", 99) for n in range(40)])
        for blob in sent:
            say("upload", blob.sha256, "-")
        here.commit({f"{here.number}/{n}": blob.sha256 for n, blob in enumerate(sent)}, say)

    return work


def private_copy(here: Round) -> Work:
    """Bytes that lie here already take the whole way again where nobody may notice that they did."""
    known = here.bytes_of("known", 50_000)
    uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[known])
    RepoBlob.objects.filter(repo=here.repo, blob__sha256=hashlib.sha256(known).hexdigest()).delete()

    def work(say: Say) -> None:
        settings.DEDUP_SCOPE = "owner"
        blob = uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[known])
        say("upload", blob.sha256, "-")
        here.commit({f"{here.number}/known": blob.sha256}, say)

    return work


def git_push(here: Round) -> Work:
    objects = Objects()
    names = [f"file{n}" for n in range(40)]
    tree = objects.files(**{name: here.bytes_of(name, 200) for name in names})
    head = trees.head_of(here.repo)
    assert head is not None
    oid = objects.commit(tree, head.oid, message=f"Pushed {here.number}\n")
    pack, branch = objects.pack(), f"pushed-{here.number}"

    def work(say: Say) -> None:
        updates = [RefUpdate(f"refs/heads/{branch}", NOTHING, oid)]
        with quarantined([pack[:5000], pack[5000:]]) as arrived:
            outcome = pushes.accept_push(Push(here.repo, here.user, updates, arrived, is_atomic=False))
        if not any(outcome.values()):
            for name in names:
                say(f"commit:{branch}", oid, name)

    return work


def lfs_parts(here: Round) -> Work:
    """A large file in three parts, and its commit."""
    body = here.bytes_of("parts", 2_500_000)
    sha256 = hashlib.sha256(body).hexdigest()

    def work(say: Say) -> None:
        settings.LFS_PART_BYTES = 1_000_000
        upload = uploads.open_upload(repo=here.repo, actor=here.user, sha256=sha256, size=len(body))
        etags = []
        for number, start in enumerate(range(0, len(body), 1_000_000), start=1):
            piece = memoryview(body)[start : start + 1_000_000]
            etags.append(upload_parts.receive_part(upload=upload, number=number, pieces=[piece]))
        upload_parts.complete(upload=upload, etags=etags)
        say("upload", sha256, "-")
        here.commit({f"{here.number}/parts": sha256}, say, as_lfs=True)

    return work


def xet_upload(here: Round) -> Work:
    """Two xorbs, a shard of one file that needs both, and its commit."""
    xorbs = [xorb_of(*(here.bytes_of(f"{x} {n}", 60_000) for n in range(3))) for x in range(2)]
    content = b"".join(part for xorb in xorbs for part in xorb.parts)
    sha256 = hashlib.sha256(content).hexdigest()
    shard = shard_of(*(TermMade(xorb, 0, 3) for xorb in xorbs), sha256=sha256)

    def work(say: Say) -> None:
        for xorb in xorbs:
            xet.receive_xorb(account=here.user, xorb_hash=xorb.name, pieces=[memoryview(xorb.body)])
        xet.materialise(xet.read_plan(repo=here.repo, account=here.user, source=io.BytesIO(shard)))
        say("upload", sha256, "-")
        here.commit({f"{here.number}/xet": sha256}, say, as_lfs=True)

    return work


def mirrored_commit(here: Round) -> Work:
    """What the sync of a mirror does with a file that was fetched."""
    body = here.bytes_of("mirrored", 300_000)
    oid = hashlib.sha1(body, usedforsecurity=False).hexdigest()
    upstream = UpstreamCommit(
        oid=oid,
        raw=None,
        title=f"Upstream {here.number}",
        message="",
        author_name="Ann",
        author_email="ann@example.org",
        committed_at=datetime(2024, 2, 29, tzinfo=UTC),
    )

    def work(say: Say) -> None:
        sha256 = hashlib.sha256(body).hexdigest()
        blob = uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[body], sha256=sha256, size=len(body))
        say("upload", blob.sha256, "-")
        path = f"{here.number}/mirrored"
        changes = [AddFile(path, blob.sha256, as_lfs=True)]
        commits.record_upstream_commit(repo=here.repo, branch="upstream", changes=changes, upstream=upstream)
        say("commit:upstream", oid, path)

    return work


def merged_pull_request(here: Round) -> Work:
    blob = uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[here.bytes_of("proposed", 999)])
    path = f"{here.number}/proposed"
    proposal = Proposal(title=f"Change {here.number}", branch="main")
    discussion, _made = pull_requests.propose_changes(
        repo=here.repo, proposal=proposal, changes=[AddFile(path, blob.sha256)], actor=here.user
    )

    def work(say: Say) -> None:
        merged = merging.merge_pull_request(discussion=discussion, actor=here.user)
        say("commit:main", merged.oid, path)

    return work


def deletion_for_good(here: Round) -> Work:
    """In odd rounds out of the whole history, in even ones pointers stay."""
    blob = uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[here.bytes_of("doomed", 9999)])
    kept = uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[here.bytes_of("kept", 9999)])
    here.commit({f"{here.number}/doomed": blob.sha256, f"{here.number}/kept": kept.sha256}, _to_nobody, as_lfs=True)

    def work(say: Say) -> None:
        rewrite = bool(here.number % 2)
        removal.remove_files(repo=here.repo, sha256s=[blob.sha256], rewrite_history=rewrite, actor=here.user)
        say("removed", blob.sha256, "-")
        say("upload", kept.sha256, "-")

    return work


def collected_garbage(here: Round) -> Work:
    """Bytes nobody needs go to the trash and on, beside others that stay; what was begun, the next run finishes."""
    sent = uploads.store_many(repo=here.repo, contents=[here.bytes_of(f"garbage {n}", 99) for n in range(6)])
    kept = uploads.store_bytes(repo=here.repo, actor=here.user, chunks=[here.bytes_of("kept", 9999)])
    RepoBlob.objects.filter(repo=here.repo, blob__in=sent).update(uncommitted_until=Now())
    garbage.expire_uncommitted()
    outlive_leases()

    def work(say: Say) -> None:
        collection.collect(NO_GRACE, force=True)
        for blob in sent:
            say("collected", blob.sha256, "-")
        say("upload", kept.sha256, "-")

    return work


SCENARIOS: dict[str, Callable[[Round], Work]] = {
    "upload": upload_and_commit,
    "batch": many_small_files,
    "private": private_copy,
    "push": git_push,
    "parts": lfs_parts,
    "xet": xet_upload,
    "mirror": mirrored_commit,
    "merge": merged_pull_request,
    "removal": deletion_for_good,
    "collection": collected_garbage,
}


def outlive_leases() -> None:
    """A killed collector holds its lease for some minutes more."""
    UpkeepLease.objects.all().delete()


def _to_nobody(kind: str, name: str, path: str) -> None:
    """For what the parent does while nothing goes wrong."""
