"""Commits: real git objects, recorded together with the files they hold and the branch they move."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from catalog.actions.history import changesets, drafts, recording, tree_building
from catalog.actions.history.changesets import ChangeSet
from catalog.actions.history.drafts import Words
from catalog.actions.history.refs import create_branch, create_tag, delete_branch, delete_tag
from catalog.actions.history.tree_building import NewTree
from catalog.errors import (
    BadInput,
    BranchMoved,
    Busy,
    EntryNotFound,
    InvalidPath,
    TooLarge,
)
from catalog.models import Commit, Repo, TreeEntry, User
from catalog.parsing.paths import check_mirrored_path, check_path
from catalog.types import AddFile, CopyFile, FileChange, UpstreamCommit

__all__ = [
    "commit_files",
    "create_branch",
    "create_tag",
    "delete_branch",
    "delete_tag",
    "first_commit",
    "record_upstream_commit",
]

MOST_CHANGES: Final = 25_000  # per commit (security 1.5)

# SQL states after which nothing was written for certain: timeouts, a deadlock. Else the connection is gone.
_ROLLED_BACK: Final = {"40001", "40P01", "55P03", "57014"}
_PARENT = re.compile(r"[0-9a-f]{5,40}", re.ASCII)
_NEW_MODES: Final = (None, TreeEntry.MODE_FILE, TreeEntry.MODE_EXECUTABLE)


@dataclass(frozen=True)
class Request:
    """What somebody wants committed, checked as far as that needs no database."""

    changes: Sequence[FileChange]
    words: Words
    parent: str | None
    actor: User


def commit_files(
    *,
    repo: Repo,
    branch: str,
    changes: Sequence[FileChange],
    title: str,
    description: str = "",
    parent: str | None = None,
    actor: User,
) -> Commit:
    """Record these changes as one commit upon the head of a branch, and move the branch to it.

    Asking again for what the head already is returns the head: a retried request commits once.

    Args:
        branch: its name, or `refs/pr/N` for a pull request.
        parent: 5 to 40 hex digits of the head the caller built upon; None builds upon any.

    Raises:
        RevisionNotFound: no such branch.
        NotAllowed: the pull request is finished.
        BranchMoved: the head is not `parent`; the fact `head` names it.
        BlobNotUploaded: bytes this repo never received, listed by path.
        EntryNotFound: a deletion of what is not there.
        InvalidPath, BadInput, TooLarge: refused before anything is written.
        Busy: the connection broke and it is not known whether the commit was recorded.
    """
    _check_changes(changes)
    request = Request(changes, Words.of(title, description), _checked_parent(parent), actor)
    drafted: list[str] = []
    try:
        with transaction.atomic():
            return _commit(repo, branch.removeprefix("refs/heads/"), request, drafted)
    except OperationalError as problem:
        if connection.in_atomic_block or getattr(problem.__cause__, "sqlstate", None) in _ROLLED_BACK:
            raise
        return _look_up_after_a_broken_connection(repo, drafted)


@transaction.atomic
def record_upstream_commit(
    *, repo: Repo, branch: str, changes: Sequence[FileChange], upstream: UpstreamCommit
) -> Commit:
    """Record a mirrored commit under the id it has upstream, upon the head of our branch.

    The changes lead from what the branch holds now to what upstream's commit holds.

    Raises:
        HashMismatch: the commit object, or the files, are not what the id says; nothing was written.
        BlobNotUploaded, EntryNotFound, InvalidPath
    """
    for change in changes:
        check_mirrored_path(change.path)
    Repo.objects.select_for_update(no_key=True).get(pk=repo.pk)  # the branch may not exist yet
    known = repo.commits.filter(oid=upstream.oid).first()
    if known is not None:
        recording.move(repo, branch, known, actor=None)
        return known
    ref = repo.refs.branches().filter(name=branch).first()
    base = Commit.objects.get(pk=ref.commit_id) if ref else None
    change_set, tree = _plan(repo, base, changes, refuse_collisions=False)
    commit = recording.record(repo, base, change_set, tree, drafts.of_upstream(upstream, tree.oid))
    recording.finish(repo, branch, commit, actor=None)
    return commit


def first_commit(*, repo: Repo, changes: Sequence[FileChange], title: str, actor: User) -> Commit:
    """Start the history of a new repo; called inside the transaction that creates it."""
    change_set, tree = _plan(repo, None, changes)
    draft = drafts.of_ours(None, tree.oid, Words.of(title), actor)
    commit = recording.record(repo, None, change_set, tree, draft)
    recording.finish(repo, repo.default_branch, commit, actor=actor)
    return commit


def _commit(repo: Repo, branch: str, request: Request, drafted: list[str]) -> Commit:
    """The work of `commit_files` in its transaction; notes in `drafted` which id it is about to record."""
    head = Commit.objects.get(pk=recording.locked_ref(repo, branch).commit_id)
    if request.parent is not None and not head.oid.startswith(request.parent):
        if _is_repeated(repo, head, request.parent, request):
            return head
        raise BranchMoved(head=head.oid, branch=branch)
    change_set, tree = _plan(repo, head, request.changes)
    if tree.oid == head.tree_oid:
        return head
    draft = drafts.of_ours(head, tree.oid, request.words, request.actor)
    drafted.append(draft.oid)
    commit = repo.commits.filter(oid=draft.oid).first()  # another branch got the same commit this second
    if commit is None:
        offered_in = recording.number_of_offer(branch)
        commit = recording.record(repo, head, change_set, tree, draft, offered_in=offered_in)
    recording.finish(repo, branch, commit, actor=request.actor)
    return commit


def _is_repeated(repo: Repo, head: Commit, parent: str, request: Request) -> bool:
    """Whether the head is the very commit this request asks for (security 4: retry-safe)."""
    if head.author_id != request.actor.pk or not head.parents or not head.parents[0].startswith(parent):
        return False
    base = repo.commits.filter(oid=head.parents[0]).first()
    if base is None:
        return False
    try:
        _change_set, tree = _plan(repo, base, request.changes)
    except (EntryNotFound, InvalidPath):
        return False
    return tree.oid == head.tree_oid


def _plan(
    repo: Repo, base: Commit | None, changes: Sequence[FileChange], *, refuse_collisions: bool = True
) -> tuple[ChangeSet, NewTree]:
    blobs = changesets.blobs_to_add(repo, changes)
    change_set = changesets.resolve(repo, base, changes, blobs)
    return change_set, tree_building.build(base, change_set.files, refuse_collisions=refuse_collisions)


def _look_up_after_a_broken_connection(repo: Repo, drafted: list[str]) -> Commit:
    """The connection may have broken after the database had committed; only the database knows."""
    connection.close()
    commit = repo.commits.filter(oid__in=drafted[-1:]).first()
    if commit is None:
        raise Busy
    return commit


def _checked_parent(parent: str | None) -> str | None:
    if parent is None:
        return None
    parent = parent.lower()
    if not _PARENT.fullmatch(parent):
        raise BadInput(_("The parent of a commit is given by 5 to 40 hexadecimal digits."))
    return parent


def _check_changes(changes: Sequence[FileChange]) -> None:
    if len(changes) > MOST_CHANGES:
        raise TooLarge(_("A commit may change at most %(most)d files.") % {"most": MOST_CHANGES})
    for change in changes:
        if isinstance(change, AddFile | CopyFile):
            check_path(change.path)
        if isinstance(change, AddFile) and change.mode not in _NEW_MODES:
            raise InvalidPath(_("Only plain and executable files can be committed."), path=change.path)
