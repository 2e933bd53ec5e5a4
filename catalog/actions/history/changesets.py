"""From a list of requested changes to what really differs: the change set of one commit.

Later changes win over earlier ones of the same path. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from catalog.actions.incoming import blob_rows
from catalog.errors import BlobNotUploaded, EntryNotFound
from catalog.models import Blob, Commit, Repo, RepoBlob, TreeEntry
from catalog.parsing import git_objects
from catalog.queries import trees
from catalog.types import AddFile, CopyFile, DeleteFile, DeleteFolder, FileChange


@dataclass(frozen=True, slots=True)  # one commit may bring a hundred thousand
class NewFile:
    """A file as the new commit will hold it."""

    mode: int
    oid: str  # git's id: of the pointer for LFS files
    size: int
    blob_id: int | None
    is_lfs: bool


@dataclass
class ChangeSet:
    """Path by path what a commit changes; None is a deletion."""

    files: dict[str, NewFile | None] = field(default_factory=dict)
    blob_ids: set[int] = field(default_factory=set)


def resolve(repo: Repo, base: Commit | None, changes: Sequence[FileChange], blobs: dict[str, Blob]) -> ChangeSet:
    """Returns what these changes come to when applied to `base` in their order.

    Args:
        base: None for the first commit of a repo.
        blobs: by sha256, all that the additions name (`blobs_to_add`).

    Raises:
        EntryNotFound: a deletion or a copy names a file or folder that is not there.
    """
    before = _entries_named(base, changes)
    result = ChangeSet()
    for change in changes:
        match change:
            case AddFile():
                result.files[change.path] = _added(change, blobs[change.sha256], before.get(change.path))
            case DeleteFile():
                _delete_file(result, before, change.path, base)
            case DeleteFolder():
                _delete_folder(result, base, change.path)
            case CopyFile():
                result.files[change.path] = _copied(repo, base, change)
    _drop_unchanged(result, base, before)
    result.blob_ids = {new.blob_id for new in result.files.values() if new and new.blob_id}
    return result


def blobs_to_add(repo: Repo, changes: Iterable[FileChange]) -> dict[str, Blob]:
    """Returns by sha256 what the additions name, and keeps those rows until the transaction ends.

    Raises:
        BlobNotUploaded: this repo never received these bytes, or in another size; lists the paths.
    """
    additions = [change for change in changes if isinstance(change, AddFile)]
    named = blob_rows.named(change.sha256 for change in additions)
    # Rows are locked alone and in one order, so that two commits wait for each other but never in a
    # ring, and the expiry of uncommitted bytes (FOR UPDATE SKIP LOCKED) passes by.
    held = set(
        RepoBlob.objects.select_for_update(no_key=True)
        .filter(repo=repo, blob__any_of=[blob.pk for blob in named.values()])
        .order_by("pk")
        .values_list("blob_id", flat=True)
    )
    missing = [change.path for change in additions if not _is_held(named.get(change.sha256), change, held)]
    if missing:
        raise BlobNotUploaded(
            _("These files were not uploaded to this repo: %(paths)s") % {"paths": ", ".join(missing[:20])},
            paths=missing,
        )
    return named


def _is_held(blob: Blob | None, change: AddFile, held: set[int]) -> bool:
    return blob is not None and blob.pk in held and change.size in (None, blob.size)


def _entries_named(base: Commit | None, changes: Sequence[FileChange]) -> dict[str, TreeEntry]:
    """The present files at all paths that the changes name one by one."""
    if base is None:
        return {}
    paths = [change.path for change in changes if not isinstance(change, DeleteFolder)]
    return {entry.path: entry for entry in TreeEntry.objects.at(base).files().filter(path__any_of=paths)}


def _added(change: AddFile, blob: Blob, before: TreeEntry | None) -> NewFile:
    mode = change.mode or (before.mode if before else TreeEntry.MODE_FILE)
    oid = blob.git_sha1
    if change.as_lfs:
        oid = git_objects.object_id("blob", git_objects.pointer_text(blob.sha256, blob.size))
    return NewFile(mode=mode, oid=oid, size=blob.size, blob_id=blob.pk, is_lfs=change.as_lfs)


def _delete_file(result: ChangeSet, before: dict[str, TreeEntry], path: str, base: Commit | None) -> None:
    """Clients tell a folder by a slash at its end; where that is missing, the tree knows."""
    if path in before or path in result.files:
        result.files[path] = None
    else:
        _delete_folder(result, base, path)


def _delete_folder(result: ChangeSet, base: Commit | None, folder: str) -> None:
    doomed = [path for path in result.files if path.startswith(f"{folder}/")]
    if base is not None:
        doomed += trees.below(TreeEntry.objects.at(base).files(), folder).values_list("path", flat=True)
    if not doomed:
        raise _nothing_to_delete(folder, base)
    result.files.update(dict.fromkeys(doomed, None))


def _copied(repo: Repo, base: Commit | None, change: CopyFile) -> NewFile:
    source = trees.resolve_revision(repo, change.src_revision) if change.src_revision else base
    if source is None:
        raise _nothing_to_delete(change.src_path, base)
    entry = trees.file_at(source, change.src_path)
    return NewFile(mode=entry.mode, oid=entry.oid, size=entry.size, blob_id=entry.blob_id, is_lfs=entry.is_lfs)


def _drop_unchanged(result: ChangeSet, base: Commit | None, before: dict[str, TreeEntry]) -> None:
    """Forget additions of what is there already, and deletions of what never was."""
    deleted = [path for path, new in result.files.items() if new is None and path not in before]
    known = set(before)
    if base is not None and deleted:
        known |= set(TreeEntry.objects.at(base).files().filter(path__any_of=deleted).values_list("path", flat=True))
    for path, new in list(result.files.items()):
        old = before.get(path)
        if new is None:
            if path not in known:
                del result.files[path]
        elif old is not None and (old.mode, old.oid, old.blob_id) == (new.mode, new.oid, new.blob_id):
            del result.files[path]


def _nothing_to_delete(path: str, base: Commit | None) -> EntryNotFound:
    return EntryNotFound(_("A file with this name doesn't exist"), path=path, commit=base.oid if base else "")
