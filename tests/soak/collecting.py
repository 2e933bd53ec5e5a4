"""The collector against uploads, commits and deletions, without any grace: what was acknowledged must stay readable."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import OperationalError, connections
from django.db.models.functions import Now

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.actions.people import accounts
from catalog.actions.upkeep import collection, garbage, purge
from catalog.actions.upkeep.collection import Graces
from catalog.errors import BlobNotUploaded, CatalogError
from catalog.models import Repo, RepoBlob, TreeEntry
from catalog.queries import integrity
from catalog.stores import blob_store
from catalog.types import AddFile

CONTENTS = 400  # few, so that the same bytes come and go all the time
COMMITS_PER_REPO = 6
NO_GRACE = Graces(timedelta(0), timedelta(0), timedelta(0))


@dataclass
class Tally:
    uploads: int = 0
    commits: int = 0
    deletions: int = 0  # of repos, and of entitlements to uploads
    too_late: int = 0  # commits whose uploads had expired: refused, as they must be
    deleted: int = 0  # blobs, by the collector
    spared: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def events(self) -> int:
        return self.uploads + self.commits + self.deletions

    def add(self, **counts: int) -> None:
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)


def soak(*, seconds: float, threads: int = 4, seed: int = 1) -> Tally:
    """Run for so long; `lost` counts acknowledged contents that could not be read back right."""
    tally, stop = Tally(), threading.Event()
    workers = [threading.Thread(target=_safely, args=(_work, tally, stop, seed + n)) for n in range(threads)]
    workers.append(threading.Thread(target=_safely, args=(_collect, tally, stop, seed)))
    began = time.monotonic()
    for worker in workers:
        worker.start()
    while time.monotonic() - began < seconds and not tally.failures:
        time.sleep(0.5)
    stop.set()
    for worker in workers:
        worker.join()
    tally.seconds = time.monotonic() - began
    tally.failures += [str(problem) for problem in integrity.problems(with_data=True)]
    return tally


def _safely(work, tally: Tally, stop: threading.Event, seed: int) -> None:
    try:
        work(tally, stop, random.Random(seed))
    except BaseException as problem:
        tally.failures.append(f"{type(problem).__name__}: {problem}")
        raise
    finally:
        connections.close_all()


def _collect(tally: Tally, stop: threading.Event, chance: random.Random) -> None:
    while not stop.is_set():
        garbage.expire_uncommitted()
        purge.purge_deleted()
        done = collection.collect(NO_GRACE, force=True)
        tally.add(deleted=done.deleted, spared=done.spared)


def _work(tally: Tally, stop: threading.Event, chance: random.Random) -> None:
    """Makes repos, fills them with contents that others use, too, deletes them for good, and makes the next."""
    user = accounts.create_user(name=f"soak{threading.get_ident()}")
    number = 0
    while not stop.is_set():
        number += 1
        repo = repos.create_repo(namespace=user.namespace, kind="model", name=f"r{number}", actor=user)
        for step in range(COMMITS_PER_REPO):
            with suppress(OperationalError):  # a deadlock that PostgreSQL broke: nothing was acknowledged
                _commit(repo, step, user, tally, chance)
        _forget_uploads(repo, user, tally, chance)
        _verify(repo, tally)
        repos.delete_repo(repo=repo, actor=user)
        Repo.objects.filter(pk=repo.pk).update(deleted_at=Now() - timedelta(days=365))
        tally.add(deletions=1)


def _commit(repo, step: int, user, tally: Tally, chance: random.Random) -> None:
    picked = [chance.randrange(CONTENTS) for _ in range(chance.randint(1, 4))]
    sent = uploads.store_many(repo=repo, contents=[_content(number) for number in picked])
    tally.add(uploads=len(sent))
    _check(sent, tally)
    if chance.random() < 0.2:  # bytes that stay without a commit for a moment, or for good
        RepoBlob.objects.filter(repo=repo, uncommitted_until__isnull=False).update(uncommitted_until=Now())
        tally.add(deletions=1)
    changes = [AddFile(f"{step}/{place}", blob.sha256, as_lfs=True) for place, blob in enumerate(sent)]
    try:
        commits.commit_files(repo=repo, branch="main", changes=changes, title="soak", actor=user)
    except BlobNotUploaded:
        tally.add(too_late=1)
    else:
        tally.add(commits=1)
        _check(sent, tally)


def _forget_uploads(repo, user, tally: Tally, chance: random.Random) -> None:
    sent = uploads.store_many(repo=repo, contents=[_content(chance.randrange(CONTENTS))])
    RepoBlob.objects.filter(repo=repo, blob__in=sent, uncommitted_until__isnull=False).update(uncommitted_until=Now())
    tally.add(uploads=1, deletions=1)


def _check(blobs, tally: Tally) -> None:
    """Right after the answer: entitled ones must be there (an upload may expire at once, so only while held)."""
    for blob in blobs:
        if _is_whole(blob.sha256, blob.size):
            continue
        if RepoBlob.objects.filter(blob=blob.pk, uncommitted_until=None).exists():
            tally.add(lost=1)


def _verify(repo, tally: Tally) -> None:
    """Every file of every commit of a repo that stands."""
    entries = TreeEntry.objects.files().filter(line__repo=repo).values_list("blob__sha256", "size")
    for sha256, size in set(entries):
        if not _is_whole(sha256, size):
            tally.add(lost=1)


def _is_whole(sha256: str, size: int) -> bool:
    try:
        return blob_store().size(sha256) == size and integrity.stored_sha256(sha256) == sha256
    except CatalogError:
        return False


def _content(number: int) -> bytes:
    return b"content %d " % number * (1 + number % 50)
