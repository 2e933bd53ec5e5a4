"""The commits of a push written down, one after the other, with the files they need. Inside its transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from catalog.actions.history import drafts, push_content, recording
from catalog.actions.history.changesets import ChangeSet, NewFile
from catalog.actions.history.drafts import Draft
from catalog.actions.history.push_content import Content, NewCommit
from catalog.actions.history.tree_building import NewTree
from catalog.errors import BadInput, BlobNotUploaded
from catalog.models import Blob, Repo, RepoBlob, User
from catalog.queries.git_trees import Folders


def record(repo: Repo, actor: User, content: Content, files: dict[str, NewFile], *, offered_in: int | None) -> None:
    """Write all commits of a push.

    Args:
        files: by git id, what `push_content.store` returned.
        offered_in: the pull request they are for, when they are for nothing else.

    Raises:
        BlobNotUploaded: the repo's right to some bytes ran out since they came.
        BadInput: a commit that these are built upon is gone by now.
    """
    files = files | _large_files(repo, content)
    _hold(repo, files.values())
    if content.folders is not None:
        stored = _Stored(files, content.folders)
        for commit in content.commits:
            _record(repo, actor, commit, stored, offered_in=offered_in)


@dataclass(frozen=True)
class _Stored:
    """What commits are made of: the files by git's ids, and where their folders are read."""

    files: dict[str, NewFile]
    folders: Folders


def _large_files(repo: Repo, content: Content) -> dict[str, NewFile]:
    """By git id of the pointer."""
    pointers = content.pointers
    rows = Blob.objects.in_bulk({pointer.sha256 for pointer in pointers.values()}, field_name="sha256")
    if any(pointer.sha256 not in rows for pointer in pointers.values()):
        raise BlobNotUploaded
    return {
        oid: NewFile(0, oid, rows[pointer.sha256].size, rows[pointer.sha256].pk, is_lfs=True)
        for oid, pointer in pointers.items()
    }


def _hold(repo: Repo, files: Iterable[NewFile]) -> None:
    """Keep the repo's right to these bytes until the transaction ends; it may have run out since they came."""
    blob_ids = {file.blob_id for file in files if file.blob_id is not None}
    rows = RepoBlob.objects.select_for_update(no_key=True).filter(repo=repo, blob__any_of=blob_ids).order_by("pk")
    if set(rows.values_list("blob_id", flat=True)) != blob_ids:
        raise BlobNotUploaded


def _record(repo: Repo, actor: User, commit: NewCommit, content: _Stored, *, offered_in: int | None) -> None:
    if repo.commits.filter(oid=commit.oid).exists():  # somebody pushed it a moment ago
        return
    first = commit.fields.parents[0] if commit.fields.parents else None
    base = repo.commits.filter(oid=first).first() if first else None
    if first and base is None:  # the history was rewritten meanwhile
        raise BadInput(_("The history is incomplete: commit %(oid)s is missing.") % {"oid": first})
    changes = push_content.changes_upon(base, commit, content.folders)
    changed = {path: _as_named(content.files[new[1]], new[0]) if new else None for path, new in changes.files.items()}
    change_set = ChangeSet(changed, {new.blob_id for new in changed.values() if new and new.blob_id})
    tree = NewTree(commit.fields.tree, changes.folders)
    recording.record(repo, base, change_set, tree, _draft(commit, actor), offered_in=offered_in)


def _as_named(file: NewFile, mode: int) -> NewFile:
    return file if file.mode == mode else replace(file, mode=mode)


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
