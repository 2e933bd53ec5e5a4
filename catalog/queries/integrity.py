"""Is what we promise true? Refs, commits, trees, entitlements, rows and files are held against each other.

A file without a row is garbage and no problem; a row without its file is one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from catalog.errors import BadMetadata, BlobUnavailable
from catalog.models import Blob, Commit, Line, Ref, RemovedFile, Repo, RepoBlob, TreeEntry
from catalog.parsing import git_objects
from catalog.parsing.git_objects import TreeItem
from catalog.queries.referrers import is_held
from catalog.stores import blob_store

READ_BYTES: Final = 1024 * 1024
ROWS_AT_A_TIME: Final = 2000

Children = dict[str, tuple[int, str]]  # name → (mode, git id)


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it should be; what does not apply is ""."""

    problem: str
    repo: str = ""
    path: str = ""
    oid: str = ""

    def as_fields(self) -> dict[str, str]:
        return asdict(self)


def problems(*, with_data: bool = False) -> Iterator[Problem]:
    """Everything that is wrong, as it is found.

    Args:
        with_data: also read and hash every stored byte.
    """
    # A deleted repo is checked as long as it may come back.
    for repo in Repo.objects.select_related("namespace", "mirror").order_by("pk").iterator():
        yield from _problems_of_repo(repo)
    for blob in Blob.objects.order_by("pk").iterator(ROWS_AT_A_TIME):
        yield from _problems_of_blob(blob, with_data=with_data)


def _problems_of_repo(repo: Repo) -> Iterator[Problem]:
    name = repo.kind_and_name
    for ref in Ref.objects.filter(repo=repo).exclude(commit__repo=repo):
        yield Problem("ref points into another repo", name, oid=str(ref))
    if not repo.is_mirror and not repo.refs.branches().filter(name=repo.default_branch).exists():
        yield Problem("the default branch is missing", name)
    for line in repo.lines.order_by("pk"):
        yield from _problems_of_line(line, repo, name)
    yield from _problems_of_entries(repo, name)


def _problems_of_line(line: Line, repo: Repo, name: str) -> Iterator[Problem]:
    commits = list(line.commits.order_by("seq"))
    known = set(repo.commits.values_list("oid", flat=True))
    for commit in commits:
        yield from _problems_of_commit(commit, name, known, repo.is_mirror)
    if line.tip_seq != (commits[-1].seq if commits else 0):
        yield Problem("the line's tip is not its newest commit", name, oid=commits[-1].oid if commits else "")
    yield from _wrong_trees(line, commits, name)


def _problems_of_commit(commit: Commit, name: str, known: set[str], is_mirror: bool) -> Iterator[Problem]:  # noqa: FBT001
    missing = [parent for parent in commit.parents if parent not in known]
    if missing and not is_mirror:
        yield Problem(f"parent {missing[0]} is missing", name, oid=commit.oid)
    if commit.raw is None:
        if not commit.upstream_stated:
            yield Problem("the commit object is missing", name, oid=commit.oid)
        return
    raw = bytes(commit.raw)
    if git_objects.object_id("commit", raw) != commit.oid:
        yield Problem("the commit object does not hash to its id", name, oid=commit.oid)
    try:
        fields = git_objects.parse_commit(raw)
    except BadMetadata as unreadable:
        yield Problem(unreadable.message, name, oid=commit.oid)
        return
    if fields.tree != commit.tree_oid or list(fields.parents) != commit.parents:
        yield Problem("the commit object says something else than its row", name, oid=commit.oid)


def _wrong_trees(line: Line, commits: list[Commit], name: str) -> Iterator[Problem]:
    """Replays the line and computes the id of each folder again where something in it changed."""
    opened, closed = _changes_by_seq(line)
    folders: dict[str, Children] = defaultdict(dict)
    _apply(folders, [], opened[0])  # what a forked line began with
    for commit in commits:
        changed = _apply(folders, closed[commit.seq], opened[commit.seq])
        if commit is commits[0]:
            changed = {"", *folders}
        for folder in sorted(changed, reverse=True):
            above, _, last = folder.rpartition("/")
            stated = folders[above].get(last, (0, ""))[1] if folder else commit.tree_oid
            if _tree_id(folders[folder]) != stated and (folders[folder] or stated or not folder):
                yield Problem("the folder does not hash to its id", name, folder, commit.oid)


def _changes_by_seq(line: Line) -> tuple[dict[int, list[TreeEntry]], dict[int, list[TreeEntry]]]:
    opened: dict[int, list[TreeEntry]] = defaultdict(list)
    closed: dict[int, list[TreeEntry]] = defaultdict(list)
    for entry in line.entries.only("path", "folder", "mode", "oid", "first_seq", "last_seq").iterator(ROWS_AT_A_TIME):
        opened[entry.first_seq].append(entry)
        if entry.last_seq is not None:
            closed[entry.last_seq].append(entry)
    return opened, closed


def _apply(folders: dict[str, Children], closed: list[TreeEntry], opened: list[TreeEntry]) -> set[str]:
    for entry in closed:
        folders[entry.folder].pop(entry.name, None)
    for entry in opened:
        folders[entry.folder][entry.name] = (entry.mode, entry.oid)
    return {entry.folder for entry in [*closed, *opened]}


def _tree_id(children: Children) -> str:
    items = (TreeItem(mode=mode, name=name, oid=oid) for name, (mode, oid) in children.items())
    return git_objects.object_id("tree", git_objects.tree_body(items))


def _problems_of_entries(repo: Repo, name: str) -> Iterator[Problem]:
    entries = TreeEntry.objects.files().filter(line__repo=repo).select_related("blob")
    held = set(RepoBlob.objects.filter(repo=repo, uncommitted_until=None).values_list("blob_id", flat=True))
    removed = set(RemovedFile.objects.filter(repo=repo).values_list("pointer_oid", flat=True))
    for entry in entries.iterator(ROWS_AT_A_TIME):
        blob = entry.blob
        if blob is None:
            if not (entry.is_lfs and entry.oid in removed):  # else it was deleted for good, on purpose
                yield Problem("the file has no content", name, entry.path, entry.oid)
        elif blob.pk not in held:
            yield Problem("the repo is not entitled to the content", name, entry.path, blob.sha256)
        elif blob.size != entry.size or _committed_id(entry, blob) != entry.oid:
            yield Problem("the entry is not the content it names", name, entry.path, blob.sha256)


def _committed_id(entry: TreeEntry, blob: Blob) -> str:
    if not entry.is_lfs:
        return blob.git_sha1
    return git_objects.object_id("blob", git_objects.pointer_text(blob.sha256, blob.size))


def _problems_of_blob(blob: Blob, *, with_data: bool) -> Iterator[Problem]:
    if blob.state in {Blob.State.CONDEMNED, Blob.State.DELETING}:
        if is_held(blob):
            yield Problem(f"the content is in use and {blob.state}", oid=blob.sha256)
        return
    size = blob_store().size(blob.sha256)
    if blob.state == Blob.State.CORRUPT:
        yield Problem("the content is known to be damaged", oid=blob.sha256)
    elif size is None:
        yield Problem("the content is missing from the store", oid=blob.sha256)
    elif size != blob.size:
        yield Problem(f"the stored content has {size} bytes instead of {blob.size}", oid=blob.sha256)
    elif with_data and stored_sha256(blob.sha256) != blob.sha256:
        yield Problem("the stored content does not hash to its name", oid=blob.sha256)


def stored_sha256(sha256: str) -> str:
    """What the bytes stored under this name hash to; "" where they cannot be read."""
    found = hashlib.sha256()
    try:
        with blob_store().open(sha256) as content:
            while data := content.read(READ_BYTES):
                found.update(data)
    except (BlobUnavailable, OSError):
        return ""
    return found.hexdigest()
