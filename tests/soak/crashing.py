"""Kills, EIO and ENOSPC at every fsync, link, rename and open of the write path and of a commit.

A child of a warm parent uploads and commits while strace injects one fault; what it said it had done is checked
afterwards by the parent, then everything (`fsck --data`).
"""

from __future__ import annotations

import faulthandler
import itertools
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.models.functions import Now

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.actions.people import accounts
from catalog.actions.upkeep import collection, purge
from catalog.actions.upkeep.collection import Graces
from catalog.models import Commit, Repo, RepoBlob
from catalog.queries import integrity, trees
from catalog.stores import blob_store
from catalog.types import AddFile

FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC")
CALLS = ("fsync", "link", "rename", "openat", "write", "sendto")  # sendto: what it says to the database
LAST = {"fsync": 8, "link": 2, "rename": 2, "openat": 14, "write": 6, "sendto": 40}
ROUNDS_PER_REPO = 20
PATIENCE_SECONDS = 20  # then it is killed, which is one more crash


@dataclass
class Tally:
    rounds: int = 0
    injected: int = 0  # rounds in which strace saw its fault happen
    by_call: Counter[str] = field(default_factory=Counter)
    hung: int = 0  # rounds whose child did not end by itself
    acknowledged: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0


def crash(*, injections: int, seed: int = 1) -> Tally:
    """Until so many faults were injected."""
    tally, began = Tally(), time.monotonic()
    user = accounts.create_user(name=f"crash{seed}")
    plan = _plan(random.Random(seed))
    repo: Repo | None = None
    while tally.injected < injections and not tally.failures:
        if repo is None or tally.rounds % ROUNDS_PER_REPO == 0:
            _clear_away(repo, user)  # each round checks everything there is
            repo = repos.create_repo(namespace=user.namespace, kind="model", name=f"r{tally.rounds}", actor=user)
        _round(repo, user, next(plan), tally)
    tally.seconds = time.monotonic() - began
    return tally


def _clear_away(repo: Repo | None, user) -> None:
    """Also what crashed writes left without a row goes, as it would a week later."""
    if repo is not None:
        repos.delete_repo(repo=repo, actor=user)
        Repo.objects.filter(pk=repo.pk).update(deleted_at=Now() - timedelta(days=settings.DELETED_REPO_DAYS + 1))
        purge.purge_deleted()
        collection.collect(Graces(timedelta(0), timedelta(0), timedelta(0)), force=True)


def _plan(chance: random.Random) -> Iterator[tuple[str, str, int]]:
    """Every call, fault and count, again and again in another order."""
    points = [(call, fault, n) for call in CALLS for fault in FAULTS for n in range(1, LAST[call] + 1)]
    # A send that fails while its socket stays open happens to nobody; libpq would wait for the answer for ever.
    points = [point for point in points if point[0] != "sendto" or point[1] == "signal=KILL"]
    for _ in itertools.count():
        chance.shuffle(points)
        yield from points


def _round(repo: Repo, user, point: tuple[str, str, int], tally: Tally) -> None:
    call, fault, number = point
    tally.rounds += 1
    if not Repo.objects.filter(pk=repo.pk).exists():
        raise RuntimeError("the repo is gone")
    with tempfile.NamedTemporaryFile(prefix="soak-said-") as said, tempfile.NamedTemporaryFile() as log:
        ready, go = os.pipe()
        child = _start((repo.pk, user.pk, tally.rounds), Path(said.name), ready)
        os.close(ready)
        is_hung = _inject(child, go, f"{call}:{fault}:when={number}", Path(log.name))
        seen = Path(log.name).read_text()
        is_injected = "(INJECTED)" in seen or ("killed by SIGKILL" in seen and not is_hung)
        promises = [line.split() for line in Path(said.name).read_text().splitlines() if line.endswith(" .")]
    tally.hung += is_hung
    tally.injected += is_injected
    if is_injected:
        tally.by_call[f"{call} {fault.partition('=')[2]}"] += 1
    for kind, name, path, _ in promises:
        tally.acknowledged += 1
        tally.lost += not _is_kept(repo, kind, name, path)
    tally.failures += [f"{call} {fault} {number}: {problem}" for problem in integrity.problems(with_data=True)]


def _start(work: tuple[int, int, int], said: Path, ready: int) -> int:
    """Forks a child that waits for a byte before it works."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        faulthandler.dump_traceback_later(PATIENCE_SECONDS - 5)  # says where a child hangs
        _forget_parents_connections()
        os.read(ready, 1)
        _upload_and_commit(*work, os.open(said, os.O_WRONLY | os.O_APPEND))
    except Exception:  # noqa: BLE001  an error that was told is no loss
        os._exit(2)
    finally:
        os._exit(0)


def _inject(child: int, go: int, option: str, log: Path) -> bool:
    """Attaches strace to the waiting child, waits for its end; returns whether it had to be killed."""
    call = option.partition(":")[0]
    tracer = subprocess.Popen(
        ["strace", "-qq", "-f", "-p", str(child), "-o", str(log), "-e", f"trace={call}", "-e", f"inject={option}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
        if time.monotonic() > deadline or tracer.poll() is not None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise RuntimeError("strace could not attach: it needs ptrace (CAP_SYS_PTRACE)")
        time.sleep(0.002)
    os.write(go, b"!")
    os.close(go)
    if not _ended(child, PATIENCE_SECONDS):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        tracer.wait(20)
        return True
    tracer.wait(20)
    return False


def _ended(child: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _forget_parents_connections() -> None:
    """Celery's pools belong to the parent; a fork must open its own."""
    from celery import current_app
    from kombu import pools

    current_app._after_fork()
    pools.reset()


def _upload_and_commit(repo_id: int, user_id: int, number: int, said: int) -> None:
    """The write path: a body of its own, several small files at once, a commit of all."""
    from catalog.models import User

    repo = Repo.objects.select_related("namespace").get(pk=repo_id)
    user = User.objects.get(pk=user_id)
    body = b"body %d " % number * 300_000
    large = uploads.store_bytes(repo=repo, actor=user, chunks=[body[:1_000_000], body[1_000_000:]], size=len(body))
    _say(said, "upload", large.sha256, "-")
    small = uploads.store_many(repo=repo, contents=[b"small %d %d" % (number, n) for n in range(3)])
    for blob in small:
        _say(said, "upload", blob.sha256, "-")
    files = {f"{number}/{n}": blob for n, blob in enumerate([large, *small])}
    changes = [AddFile(path, blob.sha256, as_lfs=blob is large) for path, blob in files.items()]
    commit = commits.commit_files(repo=repo, branch="main", changes=changes, title=str(number), actor=user)
    for path in files:
        _say(said, "commit", commit.oid, path)


def _say(said: int, kind: str, name: str, path: str) -> None:
    """The acknowledgement; by writev, which no round injects into."""
    os.writev(said, [f"{kind} {name} {path} .\n".encode()])


def _is_kept(repo: Repo, kind: str, name: str, path: str) -> bool:
    if kind == "upload":
        held = RepoBlob.objects.filter(repo=repo, blob__sha256=name, blob__state="live").exists()
        return held and integrity.stored_sha256(name) == name
    commit = Commit.objects.filter(repo=repo, oid=name).first()
    head = trees.head_of(repo)
    if commit is None or head is None:
        return False
    entry = trees.file_at(head, path)
    return entry.blob is not None and blob_store().size(entry.blob.sha256) == entry.size
