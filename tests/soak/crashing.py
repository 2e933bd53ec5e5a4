"""Kills, EIO and ENOSPC at every fsync, syncfs, link, rename and open wherever bytes are written, and inside commits.

A child of a warm parent does the work of one scenario while strace injects one fault; what it said it had done is
checked afterwards by the parent, then everything (`fsck --data`).
"""

from __future__ import annotations

import faulthandler
import os
import random
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.db.models.functions import Now

from catalog.actions import repos
from catalog.actions.people import accounts
from catalog.actions.upkeep import collection, purge
from catalog.models import Blob, Commit, Ref, Repo, RepoBlob, TreeEntry
from catalog.queries import integrity, trees
from catalog.stores import blob_store
from tests.soak.scenarios import NO_GRACE, SCENARIOS, Round, Work, outlive_leases

FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC")
# sendto: what it says to the database. One that fails while its socket stays open happens to nobody.
CALLS = dict.fromkeys(("fsync", "syncfs", "link", "rename", "openat", "write"), FAULTS) | {"sendto": FAULTS[:1]}
ROUNDS_PER_REPO = 30  # of all scenarios together; each round checks everything there is
PATIENCE_SECONDS = 20  # then it is killed, which is one more crash
_INJECTED = "(INJECTED)"


@dataclass
class Tally:
    rounds: int = 0
    injected: int = 0  # rounds in which strace saw its fault happen
    by_scenario: Counter[str] = field(default_factory=Counter)  # faults
    by_call: Counter[str] = field(default_factory=Counter)
    hung: int = 0  # rounds whose child did not end by itself
    acknowledged: int = 0
    lost: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0


def crash(*, injections: int, seed: int = 1, only: tuple[str, ...] = tuple(SCENARIOS)) -> Tally:
    """Until so many faults were injected, one scenario after the other."""
    tally, began, chance = Tally(), time.monotonic(), random.Random(seed)
    ground = _Ground(f"crash{seed}")
    plans = {name: _plan(_calls_of(name, ground, tally), chance) for name in only}
    while tally.injected < injections and not tally.failures:
        for name in only:
            if tally.injected < injections and not tally.failures:
                _round(name, ground, next(plans[name]), tally)
    ground.clear_away()
    tally.seconds = time.monotonic() - began
    return tally


class _Ground:
    """A repo for each scenario, for some rounds."""

    def __init__(self, user_name: str) -> None:
        self._user = accounts.create_user(name=user_name)
        self._repos: dict[str, Repo] = {}
        self._rounds = 0

    def next_round(self, scenario: str) -> Round:
        if self._rounds % ROUNDS_PER_REPO == 0:
            self.clear_away()
        self._rounds += 1
        if scenario not in self._repos:
            self._repos[scenario] = repos.create_repo(
                namespace=self._user.namespace, kind="model", name=f"{scenario}-{self._rounds}", actor=self._user
            )
        return Round(self._repos[scenario], self._user, self._rounds)

    def clear_away(self) -> None:
        """Also what crashed writes left without a row goes, as it would a week later."""
        for repo in self._repos.values():
            repos.delete_repo(repo=repo, actor=self._user)
        long_ago = Now() - timedelta(days=settings.DELETED_REPO_DAYS + 1)
        Repo.objects.filter(pk__in=[repo.pk for repo in self._repos.values()]).update(deleted_at=long_ago)
        self._repos.clear()
        purge.purge_deleted()
        outlive_leases()
        collection.collect(NO_GRACE, force=True)


def _calls_of(scenario: str, ground: _Ground, tally: Tally) -> dict[str, int]:
    """How often each call happens when nothing goes wrong: counted, so that every fault finds its place."""
    here = ground.next_round(scenario)
    done = _watched(SCENARIOS[scenario](here), ["-e", f"trace={','.join(CALLS)}"])
    _check(scenario, here, done, tally)
    if not done.promises or done.is_hung:
        tally.failures.append(f"{scenario}: nothing was acknowledged though nothing was injected")
    return {call: found for call in CALLS if (found := len(re.findall(rf"\b{call}\(", done.seen)))}


def _plan(calls: dict[str, int], chance: random.Random) -> Iterator[tuple[str, str, int]]:
    """Every kind of call and fault in turn, at one of its places; the order is another each time."""
    kinds = [(call, fault) for call in calls for fault in CALLS[call]]
    for _ in count():
        chance.shuffle(kinds)
        yield from ((call, fault, chance.randint(1, calls[call])) for call, fault in kinds)


def _round(scenario: str, ground: _Ground, point: tuple[str, str, int], tally: Tally) -> None:
    call, fault, number = point
    here = ground.next_round(scenario)
    done = _watched(SCENARIOS[scenario](here), ["-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}"])
    tally.rounds += 1
    if _INJECTED in done.seen or ("killed by SIGKILL" in done.seen and not done.is_hung):
        tally.injected += 1
        tally.by_scenario[scenario] += 1
        tally.by_call[f"{call} {fault.partition('=')[2]}"] += 1
    _check(f"{scenario}, {call} {fault} {number}", here, done, tally)


def _check(what: str, here: Round, done: _Done, tally: Tally) -> None:
    tally.hung += done.is_hung
    for kind, name, path in done.promises:
        tally.acknowledged += 1
        if not _is_kept(here.repo, kind, name, path):
            tally.lost += 1
            tally.failures.append(f"{what}: lost {kind} {name} {path}")
    tally.failures += [f"{what}: {problem}" for problem in integrity.problems(with_data=True)]


@dataclass(frozen=True)
class _Done:
    """What became of a child."""

    promises: list[tuple[str, str, str]]
    seen: str  # by strace
    is_hung: bool


def _watched(work: Work, traced: list[str]) -> _Done:
    with tempfile.NamedTemporaryFile(prefix="soak-said-") as said, tempfile.NamedTemporaryFile() as log:
        ready, go = os.pipe()
        child = _start(work, Path(said.name), ready)
        os.close(ready)
        is_hung = _run_traced(child, go, ["-o", log.name, *traced])
        told = [line.split() for line in Path(said.name).read_text().splitlines() if line.endswith(" .")]
        return _Done([(kind, name, path) for kind, name, path, _ in told], Path(log.name).read_text(), is_hung)


def _start(work: Work, said: Path, ready: int) -> int:
    """Forks a child that waits for a byte before it works."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        faulthandler.dump_traceback_later(PATIENCE_SECONDS - 5)  # says where a child hangs
        _forget_parents_connections()
        os.read(ready, 1)
        told = os.open(said, os.O_WRONLY | os.O_APPEND)
        # The acknowledgement goes by writev, which no round injects into.
        work(lambda kind, name, path: os.writev(told, [f"{kind} {name} {path} .\n".encode()]) and None)
    except Exception:  # noqa: BLE001  an error that was told is no loss
        os._exit(2)
    finally:
        os._exit(0)


def _run_traced(child: int, go: int, options: list[str]) -> bool:
    """Attaches strace to the waiting child, waits for its end; returns whether it had to be killed."""
    tracer = subprocess.Popen(
        ["strace", "-qq", "-f", "-p", str(child), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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


def _is_kept(repo: Repo, kind: str, name: str, path: str) -> bool:
    kind, _, branch = kind.partition(":")
    if kind == "upload":
        held = RepoBlob.objects.filter(repo=repo, blob__sha256=name, blob__state="live").exists()
        return held and integrity.stored_sha256(name) == name
    if kind == "removed":
        entries = TreeEntry.objects.filter(line__repo=repo, blob__sha256=name)
        return not entries.exists() and not RepoBlob.objects.filter(repo=repo, blob__sha256=name).exists()
    if kind == "collected":
        return not Blob.objects.filter(sha256=name).exists() and blob_store().size(name) is None
    head = Commit.objects.get(refs__repo=repo, refs__kind=Ref.Kind.BRANCH, refs__name=branch)
    if name not in {commit.oid for commit in trees.history(head, limit=1000)}:
        return False
    entry = trees.file_at(head, path)
    return entry.blob is not None and blob_store().size(entry.blob.sha256) == entry.size
