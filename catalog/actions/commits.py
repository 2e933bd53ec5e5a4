"""Commits: real git objects, recorded together with the files they hold and the branch they move."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit, changesets, intervals, metadata, tree_building
from catalog.actions.changesets import ChangeSet
from catalog.actions.refs import create_branch, create_tag, delete_branch, delete_tag
from catalog.actions.tree_building import NewTree
from catalog.errors import (
    BadInput,
    BranchMoved,
    Busy,
    EntryNotFound,
    HashMismatch,
    InvalidPath,
    RevisionNotFound,
    TooLarge,
)
from catalog.models import Commit, Ref, Repo, RepoBlob, TreeEntry, User
from catalog.parsing import git_objects
from catalog.parsing.git_objects import CommitFields
from catalog.parsing.paths import check_mirrored_path, check_path
from catalog.types import AddFile, CopyFile, FileChange, UpstreamCommit

__all__ = [
    "commit_files",
    "create_branch",
    "create_tag",
    "delete_branch",
    "delete_tag",
    "first_commit",
    "noreply_address",
    "record_upstream_commit",
]

MOST_CHANGES: Final = 25_000  # per commit (security 1.5)
LONGEST_TITLE: Final = 1000  # characters

_PARENT = re.compile(r"[0-9a-f]{5,40}", re.ASCII)
_NEW_MODES: Final = (None, TreeEntry.MODE_FILE, TreeEntry.MODE_EXECUTABLE)


@dataclass(frozen=True)
class Draft:
    """A commit as git will know it, before it has a place in our history."""

    oid: str
    tree_oid: str
    parents: tuple[str, ...]
    author: User | None
    author_name: str
    author_email: str
    committed_at: datetime
    title: str
    message: str
    raw: bytes | None


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
        parent: 5 to 40 hex digits of the head the caller built upon; None builds upon any.

    Raises:
        RevisionNotFound: no such branch.
        BranchMoved: the head is not `parent`; the fact `head` names it.
        BlobNotUploaded: bytes this repo never received, listed by path.
        EntryNotFound: a deletion of what is not there.
        InvalidPath, BadInput, TooLarge: refused before anything is written.
        Busy: the connection broke and it is not known whether the commit was recorded.
    """
    _check_changes(changes)
    parent = _checked_parent(parent)
    title, description = _cleaned(title), description.strip()
    drafted: list[str] = []
    try:
        with transaction.atomic():
            return _commit(repo, branch, changes, (title, description), parent, actor, drafted)
    except OperationalError:
        if connection.in_atomic_block or connection.is_usable():
            raise  # a timeout or a deadlock: rolled back for certain
        return _look_up_after_a_broken_connection(repo, drafted)


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
    with transaction.atomic():
        Repo.objects.select_for_update(no_key=True).get(pk=repo.pk)  # the branch may not exist yet
        ref = repo.refs.branches().select_for_update().filter(name=branch).first()
        base = Commit.objects.get(pk=ref.commit_id) if ref else None
        known = repo.commits.filter(oid=upstream.oid).first()
        if known is not None:
            _move(repo, branch, known)
            return known
        change_set, tree = _plan(repo, base, changes, refuse_collisions=False)
        commit = _record(repo, base, change_set, tree, _upstream_draft(upstream, tree.oid))
        _finish(repo, branch, commit, actor=None)
        return commit


def _commit(
    repo: Repo,
    branch: str,
    changes: Sequence[FileChange],
    words: tuple[str, str],
    parent: str | None,
    actor: User,
    drafted: list[str],
) -> Commit:
    head = _locked_head(repo, branch)
    if parent is not None and not head.oid.startswith(parent):
        repeated = _repeated(repo, head, changes, parent, actor)
        if repeated is None:
            raise BranchMoved(head=head.oid, branch=branch)
        return repeated
    change_set, tree = _plan(repo, head, changes)
    if tree.oid == head.tree_oid:
        return head
    draft = _draft(head, tree.oid, words, actor)
    drafted.append(draft.oid)
    commit = repo.commits.filter(oid=draft.oid).first()  # another branch got the same commit this second
    if commit is None:
        commit = _record(repo, head, change_set, tree, draft)
    _finish(repo, branch, commit, actor=actor)
    return commit


def first_commit(*, repo: Repo, changes: Sequence[FileChange], title: str, actor: User) -> Commit:
    """Start the history of a new repo; called inside the transaction that creates it."""
    change_set, tree = _plan(repo, None, changes)
    commit = _record(repo, None, change_set, tree, _draft(None, tree.oid, (title, ""), actor))
    _finish(repo, repo.default_branch, commit, actor=actor)
    return commit


def _locked_head(repo: Repo, branch: str) -> Commit:
    # The row alone: with a join, a writer that waited would find no row at all.
    ref = repo.refs.branches().select_for_update().filter(name=branch.removeprefix("refs/heads/")).first()
    if ref is None:
        raise RevisionNotFound(f"Invalid rev id: {branch}")
    return Commit.objects.get(pk=ref.commit_id)


def _repeated(repo: Repo, head: Commit, changes: Sequence[FileChange], parent: str, actor: User) -> Commit | None:
    """The head, when it is the very commit this request asks for (security 4: retry-safe)."""
    if head.author_id != actor.pk or not head.parents or not head.parents[0].startswith(parent):
        return None
    base = repo.commits.filter(oid=head.parents[0]).first()
    if base is None:
        return None
    try:
        _change_set, tree = _plan(repo, base, changes)
    except (EntryNotFound, InvalidPath):
        return None
    return head if tree.oid == head.tree_oid else None


def _plan(
    repo: Repo, base: Commit | None, changes: Sequence[FileChange], *, refuse_collisions: bool = True
) -> tuple[ChangeSet, NewTree]:
    blobs = changesets.blobs_to_add(repo, changes)
    change_set = changesets.resolve(repo, base, changes, blobs)
    return change_set, tree_building.build(base, change_set.files, refuse_collisions=refuse_collisions)


def _record(repo: Repo, base: Commit | None, change_set: ChangeSet, tree: NewTree, draft: Draft) -> Commit:
    line, seq = intervals.place_after(repo, base)
    commit = Commit.objects.create(
        repo=repo,
        line=line,
        seq=seq,
        oid=draft.oid,
        tree_oid=draft.tree_oid,
        parents=list(draft.parents),
        author=draft.author,
        author_name=draft.author_name[:255],
        author_email=draft.author_email[:255],
        committed_at=draft.committed_at,
        title=draft.title,
        message=draft.message,
        raw=draft.raw,
        upstream_stated=draft.raw is None,
    )
    intervals.write(commit, change_set, tree)
    RepoBlob.objects.filter(repo=repo, blob_id__in=change_set.blob_ids, uncommitted_until__isnull=False).update(
        uncommitted_until=None
    )
    return commit


def _finish(repo: Repo, branch: str, commit: Commit, *, actor: User | None) -> None:
    """What belongs to every new head: the ref, the log, the facts, and the job that indexes them."""
    branch = branch.removeprefix("refs/heads/")
    _move(repo, branch, commit)
    audit.record(actor, "repo.commit", audit.name_of(repo), branch=branch, commit=commit.oid)


def _move(repo: Repo, branch: str, commit: Commit) -> None:
    repo.refs.update_or_create(kind=Ref.Kind.BRANCH, name=branch, defaults={"commit": commit})
    if branch == repo.default_branch:
        metadata.read_facts(repo, commit)
        jobs.index_repo(repo)


def _draft(parent: Commit | None, tree_oid: str, words: tuple[str, str], author: User) -> Draft:
    title, description = words
    now = timezone.now().astimezone(UTC).replace(microsecond=0)  # git counts whole seconds
    name, email = author.username, noreply_address(author)
    parents = (parent.oid,) if parent else ()
    message = f"{title}\n\n{description}\n" if description else f"{title}\n"
    raw = git_objects.commit_body(CommitFields(tree_oid, parents, name, email, now, name, email, now, message))
    oid = git_objects.object_id("commit", raw)
    return Draft(oid, tree_oid, parents, author, name, email, now, title, description, raw)


def _upstream_draft(upstream: UpstreamCommit, tree_oid: str) -> Draft:
    parents: tuple[str, ...] = ()
    if upstream.raw is not None:
        if git_objects.object_id("commit", upstream.raw) != upstream.oid:
            raise HashMismatch("The commit object from upstream does not hash to its id.")
        fields = git_objects.parse_commit(upstream.raw)
        if fields.tree != tree_oid:
            raise HashMismatch("The files from upstream are not those the commit names.", tree=tree_oid)
        parents = fields.parents
    return Draft(
        oid=upstream.oid,
        tree_oid=tree_oid,
        parents=parents,
        author=None,
        author_name=upstream.author_name,
        author_email=upstream.author_email,
        committed_at=upstream.committed_at,
        title=upstream.title,
        message=upstream.message,
        raw=upstream.raw,
    )


def noreply_address(user: User) -> str:
    """What commits carry instead of a person's real address."""
    host = urlsplit(settings.PUBLIC_URL or "").hostname or "localhost"
    return f"{user.username}@users.noreply.{host}"


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


def _cleaned(title: str) -> str:
    """One line that is never empty, as git wants a subject."""
    return " ".join(title.split())[:LONGEST_TITLE] or "Update"
