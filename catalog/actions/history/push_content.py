"""What a push brings, looked at before anything is kept: its commits, how each differs, and the files they need."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from catalog.actions.history.stored_files import StoredFiles
from catalog.actions.incoming import uploads
from catalog.errors import BadInput, BadMetadata, BlobNotUploaded, TooLarge
from catalog.models import Commit, RemovedFile, Repo, TreeEntry, User
from catalog.parsing import git_objects
from catalog.parsing.git_objects import CommitFields
from catalog.parsing.git_strict import strict_commit
from catalog.parsing.pack_reading import BLOB, COMMIT, Pack
from catalog.parsing.pack_tables import NameTable
from catalog.parsing.paths import check_mirrored_path
from catalog.queries.git_trees import Folders, TreeDifference

LARGEST_REGULAR_BYTES: Final = 10_000_000  # as for commits through the API
LONGEST_PATH: Final = 1024  # characters, what a tree entry can hold
MOST_COMMITS: Final = 10_000
MOST_FILES: Final = 100_000  # that one commit may change
MOST_CHANGES: Final = 2_000_000  # files that all commits of a push may change, counted once for each
MOST_NAMED: Final = 50  # paths in a message
IDS_AT_A_TIME: Final = 5000
STORED_FILES_AT_A_TIME: Final = 500
STORED_BYTES_AT_A_TIME: Final = 32 * 1024**2


@dataclass(frozen=True)
class NewCommit:
    """A commit that is not here yet."""

    oid: str
    raw: bytes
    fields: CommitFields


class Pointer(NamedTuple):
    """The large file that a pointer names."""

    sha256: str
    size: int


@dataclass
class Content:
    """All that a push brings, checked as far as that can be done without writing."""

    commits: list[NewCommit]  # parents first
    folders: Folders | None = None
    known: StoredFiles = field(default_factory=StoredFiles)  # the repo holds them already
    pointers: dict[str, Pointer] = field(default_factory=dict)  # by git id
    plain: array[int] = field(default_factory=lambda: array("I"))  # numbers of files whose bytes are in the pack


def look_into(repo: Repo, pack: Pack, tips: Iterable[str]) -> Content:
    """Returns what the commits at these tips bring; nothing is written.

    Raises:
        BadInput: an object is malformed or missing.
        InvalidPath: a file name is dangerous for whoever clones.
        TooLarge: too many commits or files, or a file that should travel by git lfs.
        BlobNotUploaded: pointers name large files this repo never received; lists the paths.
    """
    found = _in_order(repo, pack, tips)
    folders, roots, paths = Folders(repo, pack), {oid: fields.tree for oid, (_raw, fields) in found.items()}, _Paths()
    for _raw, fields in found.values():
        first = fields.parents[0] if fields.parents else ""
        held = repo.commits.filter(oid=first).first() if first and first not in roots else None
        before = held.tree_oid if held else roots.get(first, "")
        paths.note(folders.difference(before, fields.tree, held=held, most=MOST_FILES))
    content = Content([NewCommit(oid, *one) for oid, one in found.items()], folders)
    _sort_files(repo, pack, content, paths)
    return content


def changes_upon(base: Commit | None, commit: NewCommit, folders: Folders) -> TreeDifference:
    """How a commit differs from the one before. Worked out anew: those of all commits together may be too many."""
    return folders.difference(base.tree_oid if base else "", commit.fields.tree, held=base, most=MOST_FILES)


def store(repo: Repo, pack: Pack, content: Content, actor: User) -> StoredFiles:
    """Keep the plain files, which become the repo's to commit; returns all files, pointers left out."""
    files = content.known
    for batch in _batches(pack, content.plain):
        contents = [pack.content(oid) for oid in batch]
        blobs = uploads.store_many(repo=repo, contents=contents, actor=actor)
        for oid, blob in zip(batch, blobs, strict=True):
            files.add(oid.hex(), size=blob.size, blob_id=blob.pk, is_lfs=False)
    return files


def _in_order(repo: Repo, pack: Pack, tips: Iterable[str]) -> dict[str, tuple[bytes, CommitFields]]:
    """The commits that are new, each after its parents."""
    here = {name.hex() for name in pack.objects.of_kind(COMMIT)}
    here -= _recorded(repo, here)
    ordered: dict[str, tuple[bytes, CommitFields]] = {}
    opened: dict[str, tuple[bytes, CommitFields]] = {}
    beyond: set[str] = set()
    waiting = [tip for tip in tips if tip in here]
    while waiting:
        oid = waiting[-1]
        if oid in ordered:
            waiting.pop()
            continue
        if oid not in opened:
            raw = pack.content(bytes.fromhex(oid))
            opened[oid] = raw, strict_commit(raw)
            beyond.update(parent for parent in opened[oid][1].parents if parent not in here)
            before = [parent for parent in opened[oid][1].parents if parent in here and parent not in ordered]
            waiting += before
            if before:
                continue
        ordered[waiting.pop()] = opened[oid]
        if len(ordered) > MOST_COMMITS:
            raise TooLarge(_("A push may bring at most %(most)d commits; push in steps.") % {"most": MOST_COMMITS})
    missing = beyond - _recorded(repo, beyond)
    if missing:
        raise BadInput(
            _("The history is incomplete: commit %(oid)s is missing. Fetch it first: git fetch --unshallow")
            % {"oid": min(missing)}
        )
    return ordered


def _recorded(repo: Repo, oids: set[str]) -> set[str]:
    batches = (repo.commits.filter(oid__in=batch).values_list("oid", flat=True) for batch in _some_at_a_time(oids))
    return set(chain.from_iterable(batches))


class _Paths:
    """Every file that is new somewhere: one of its paths, and whether it is a symbolic link wherever it appears."""

    def __init__(self) -> None:
        self._names = NameTable()
        self._paths: list[str] = []
        self._are_links = bytearray()
        self._changes = 0

    def __iter__(self) -> Iterator[tuple[bytes, str, bool]]:
        """Yields git id, path, and whether it is a link."""
        for number, path in enumerate(self._paths):
            yield self._names.name(number), path, bool(self._are_links[number])

    def of(self, oid: str) -> str:
        number = self._names.number(bytes.fromhex(oid))
        return self._paths[number] if number is not None else ""

    def note(self, changes: TreeDifference) -> None:
        self._changes += len(changes.files)
        if self._changes > MOST_CHANGES:
            raise TooLarge(_("A push may change at most %(most)d files; push in steps.") % {"most": MOST_CHANGES})
        for path, new in changes.files.items():
            if new is not None:
                check_mirrored_path(path)
                if len(path) > LONGEST_PATH:
                    raise TooLarge(_("A file's path is longer than %(most)d characters.") % {"most": LONGEST_PATH})
                mode, oid = new
                self._note(bytes.fromhex(oid), path, is_link=mode == git_objects.SYMLINK_MODE)

    def _note(self, oid: bytes, path: str, *, is_link: bool) -> None:
        number = self._names.add(oid)
        if number == len(self._paths):
            self._paths.append(path)
            self._are_links.append(is_link)
        else:
            self._are_links[number] &= is_link


def _sort_files(repo: Repo, pack: Pack, content: Content, paths: _Paths) -> None:
    """Which files are known, which are pointers, which are plain; all that is wrong with them is told at once."""
    content.known = _held_files(repo, (oid.hex() for oid, _path, _is_link in paths))
    too_large: list[str] = []
    for oid, path, is_link in paths:
        if oid.hex() in content.known:
            continue
        found = pack.objects.get(oid)
        if found is None:
            _note_absent(repo, pack, content, oid.hex(), path)
        elif found.kind != BLOB:
            raise BadMetadata(_("The file %(path)r is no blob object.") % {"path": path})
        elif found.size > LARGEST_REGULAR_BYTES:
            too_large.append(f"{path} ({found.size} bytes)")
        else:
            _note_present(pack, content, oid, path, is_link=is_link)
    if too_large:
        raise TooLarge(
            _(
                "These files are larger than 10 MB and not in git lfs: %(paths)s. Use git lfs: "
                "`git lfs migrate import --everything --above=10MB`, then push again."
            )
            % {"paths": _named(too_large)},
            paths=too_large,
        )
    _check_pointers(repo, content, paths)


def _held_files(repo: Repo, oids: Iterable[str]) -> StoredFiles:
    """Files that some commit of this repo holds. They are its own, so naming the id is enough."""
    known = StoredFiles()
    for batch in _some_at_a_time(oids):
        entries = TreeEntry.objects.files().filter(line__repo=repo, oid__in=batch, blob__isnull=False)
        for oid, size, blob_id, is_lfs in entries.values_list("oid", "size", "blob_id", "is_lfs").distinct():
            known.add(oid, size=size, blob_id=blob_id, is_lfs=is_lfs)
    return known


def _note_absent(repo: Repo, pack: Pack, content: Content, oid: str, path: str) -> None:
    """A file git left out because the repo has had it: it was deleted for good, or it does not exist."""
    removed = RemovedFile.objects.filter(repo=repo, pointer_oid=oid).first()
    if removed is not None:
        content.pointers[oid] = Pointer(removed.sha256, removed.size)
        return
    if pack.has_unread:
        raise TooLarge(_("The file %(path)s is larger than 10 MB; use git lfs.") % {"path": path}, paths=[path])
    raise BadInput(_("The file %(path)r (%(oid)s) is neither in the pack nor here.") % {"path": path, "oid": oid})


def _note_present(pack: Pack, content: Content, oid: bytes, path: str, *, is_link: bool) -> None:
    data = pack.content(oid)
    pointer = None if is_link else git_objects.parse_pointer(data)
    if pointer is None:
        number = pack.objects.number(oid)
        assert number is not None  # its content was read from there
        content.plain.append(number)
    elif git_objects.pointer_text(*pointer) != data:
        raise BadMetadata(
            _("The git lfs pointer %(path)r is not written as git lfs writes it; add the file again.") % {"path": path}
        )
    else:
        content.pointers[oid.hex()] = Pointer(*pointer)


def _check_pointers(repo: Repo, content: Content, paths: _Paths) -> None:
    held = uploads.held_by(repo, {pointer.sha256 for pointer in content.pointers.values()})
    missing = [paths.of(oid) for oid, pointer in content.pointers.items() if held.get(pointer.sha256) != pointer.size]
    if missing:
        raise BlobNotUploaded(
            _("The large files behind these git lfs pointers are not here: %(paths)s. Send them: git lfs push --all")
            % {"paths": _named(missing)},
            paths=missing,
        )


def _batches(pack: Pack, numbers: Iterable[int]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for number in numbers:
        size += pack.objects.numbered(number).size
        batch.append(pack.objects.name(number))
        if len(batch) >= STORED_FILES_AT_A_TIME or size >= STORED_BYTES_AT_A_TIME:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _some_at_a_time(oids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(oids)
    while batch := list(islice(left, IDS_AT_A_TIME)):
        yield batch


def _named(paths: list[str]) -> str:
    more = f" … ({len(paths)})" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more
