"""The commits of a push written down, one after the other, with the files they need. Inside its transaction."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from catalog.actions.history import drafts, push_content, recording
from catalog.actions.history.changesets import ChangeSet
from catalog.actions.history.drafts import Draft
from catalog.actions.history.push_content import Content, NewCommit
from catalog.actions.history.stored_files import StoredFiles
from catalog.actions.history.tree_building import NewTree
from catalog.errors import BadInput, BlobNotUploaded
from catalog.models import Blob, Repo, RepoBlob, User
from catalog.queries.git_trees import Folders


def record(repo: Repo, actor: User, content: Content, files: StoredFiles, *, offered_in: int | None) -> None:
    """Write all commits of a push.

    Args:
        files: what `push_content.store` returned.
        offered_in: the pull request they are for, when they are for nothing else.

    Raises:
        BlobNotUploaded: the repo's right to some bytes ran out since they came.
        BadInput: a commit that these are built upon is gone by now.
    """
    _add_large_files(repo, content, files)
    _hold(repo, set(files.blob_ids))
    if content.folders is not None:
        stored = _Stored(files, content.folders)
        for commit in content.commits:
            _record(repo, actor, commit, stored, offered_in=offered_in)


@dataclass(frozen=True)
class _Stored:
    """What commits are made of: the files, and where their folders are read."""

    files: StoredFiles
    folders: Folders


def _add_large_files(repo: Repo, content: Content, files: StoredFiles) -> None:
    """Those that pointers name, by the ids of these."""
    pointers = content.pointers
    rows = Blob.objects.in_bulk({pointer.sha256 for pointer in pointers.values()}, field_name="sha256")
    if any(pointer.sha256 not in rows for pointer in pointers.values()):
        raise BlobNotUploaded
    for oid, pointer in pointers.items():
        files.add(oid, size=rows[pointer.sha256].size, blob_id=rows[pointer.sha256].pk, is_lfs=True)


def _hold(repo: Repo, blob_ids: set[int]) -> None:
    """Keep the repo's right to these bytes until the transaction ends; it may have run out since they came."""
    rows = RepoBlob.objects.select_for_update(no_key=True).filter(repo=repo, blob__any_of=blob_ids).order_by("pk")
    if len(rows.values_list("pk", flat=True)) < len(blob_ids):
        raise BlobNotUploaded


def _record(repo: Repo, actor: User, commit: NewCommit, content: _Stored, *, offered_in: int | None) -> None:
    if repo.commits.filter(oid=commit.oid).exists():  # somebody pushed it a moment ago
        return
    first = commit.fields.parents[0] if commit.fields.parents else None
    base = repo.commits.filter(oid=first).first() if first else None
    if first and base is None:  # the history was rewritten meanwhile
        raise BadInput(_("The history is incomplete: commit %(oid)s is missing.") % {"oid": first})
    changes = push_content.changes_upon(base, commit, content.folders)
    changed = {path: content.files.at(new[1], new[0]) if new else None for path, new in changes.files.items()}
    change_set = ChangeSet(changed, {new.blob_id for new in changed.values() if new and new.blob_id})
    tree = NewTree(commit.fields.tree, changes.folders)
    recording.record(repo, base, change_set, tree, _draft(commit, actor), offered_in=offered_in)


def _draft(commit: NewCommit, actor: User) -> Draft:
    """The commit as its object says; it is the pusher's own where it carries their address."""
    fields = commit.fields
    title, _newline, message = fields.message.replace("\0", "").strip().partition("\n")
    is_own = fields.author_email in {actor.email, drafts.noreply_address(actor)} and fields.author_email
    return Draft(
        oid=commit.oid,
        tree_oid=fields.tree,
        parents=fields.parents,
        author=actor if is_own else None,
        author_name=fields.author_name.replace("\0", ""),
        author_email=fields.author_email.replace("\0", ""),
        committed_at=fields.committer_time,
        title=title[: drafts.LONGEST_TITLE],
        message=message.strip(),
        raw=commit.raw,
    )
