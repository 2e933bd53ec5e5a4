"""Many committers on one branch: one winner for each parent, and no update is lost."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from django.db import connections

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.actions.people import accounts
from catalog.errors import BranchMoved
from catalog.models import Commit, TreeEntry
from catalog.queries import trees
from catalog.types import AddFile


@dataclass
class Tally:
    won: int = 0
    refused: int = 0  # 412: the branch had moved
    lost: int = 0  # acknowledged commits or files that the branch does not hold
    parents_with_two_children: int = 0
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def race(*, committers: int = 32, rounds: int = 10) -> Tally:
    """Each writes a file of its own in each round: in odd rounds upon the head it saw, in even ones upon any."""
    user = accounts.create_user(name="racer")
    repo = repos.create_repo(namespace=user.namespace, kind="model", name="race", actor=user)
    tally, acknowledged = Tally(), []
    for turn in range(rounds):
        head = trees.head_of(repo)
        start = threading.Barrier(committers)
        parent = head.oid if turn % 2 else None
        shared = {"start": start, "tally": tally, "acknowledged": acknowledged}
        paths = [f"{turn}/{n}" for n in range(committers)]
        threads = [threading.Thread(target=_commit, args=(repo, user, path, parent), kwargs=shared) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    _count(repo, acknowledged, tally)
    return tally


def _commit(repo, user, path: str, parent: str | None, *, start: threading.Barrier, tally: Tally, acknowledged) -> None:
    try:
        blob = uploads.store_many(repo=repo, contents=[path.encode()])[0]
        start.wait(120)
        commit = commits.commit_files(
            repo=repo, branch="main", changes=[AddFile(path, blob.sha256)], title=path, parent=parent, actor=user
        )
        with tally.lock:
            tally.won += 1
            acknowledged.append((path, commit.oid))
    except BranchMoved:
        with tally.lock:
            tally.refused += 1
    except BaseException as problem:
        tally.failures.append(f"{type(problem).__name__}: {problem}")
        raise
    finally:
        connections.close_all()


def _count(repo, acknowledged: list[tuple[str, str]], tally: Tally) -> None:
    head = trees.head_of(repo)
    held = set(TreeEntry.objects.at(head).values_list("path", flat=True))
    chain = {commit.oid for commit in trees.history(head, limit=100_000)}
    tally.lost = sum(path not in held or oid not in chain for path, oid in acknowledged)
    parents = [commit.parents[0] for commit in Commit.objects.filter(repo=repo) if commit.parents]
    tally.parents_with_two_children = len(parents) - len(set(parents))
