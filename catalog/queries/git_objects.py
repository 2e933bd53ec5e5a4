"""The objects of a `git fetch`, made from the rows that are the truth: which ones, and their bytes one by one.

An entry begins where its object is new (ADR 0004), so a commit whose forerunner the client has, or gets, needs the
entries that begin with it and no other. Folders are read one at a time with all the versions that are asked for.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, EntryNotFound, NotServed
from catalog.models import Blob, Commit, RemovedFile, Repo, TagObject, TreeEntry
from catalog.models.revision import TreeEntryQuerySet
from catalog.parsing import git_objects, pack_writing
from catalog.parsing.git_delta import delta_between
from catalog.parsing.git_objects import TreeItem
from catalog.parsing.pack_writing import PackObject
from catalog.queries.git_history import History, Node, Selection
from catalog.stores import blob_store

ROWS_AT_A_TIME: Final = 5000
COMMITS_AT_A_TIME: Final = 500
LONGEST_CHAIN: Final = 50  # of deltas, as git makes them
MOST_FOLDERS_NAMED: Final = 1000  # in one query; beyond, reading all of a line is cheaper
READ_BYTES: Final = 256 * 1024
_PLAN_FIELDS: Final = ("path", "mode", "oid", "size", "is_lfs", "blob__sha256", "blob__state")
_POINTER_BYTES: Final = len(git_objects.pointer_text("0" * 64, 10**9))  # about: sizes differ in their digits


class _PlanRow(NamedTuple):
    """In the order of `_PLAN_FIELDS`."""

    path: str
    mode: int
    oid: str
    size: int
    is_lfs: bool
    sha256: str | None
    state: str | None


class PlannedFile(NamedTuple):
    """A blob to send: the stored content, or the pointer to it."""

    oid: bytes
    sha256: bytes
    size: int  # of the content
    is_pointer: bool


@dataclass(frozen=True)
class Extras:
    """What belongs into a pack, or does not, besides what its commits hold."""

    tags: list[TagObject] = field(default_factory=list)
    files: frozenset[str] = frozenset()  # blobs asked for by their ids, as partial clones do
    files_below_bytes: int | None = None  # leave out larger blobs; None: send all

    def has(self, blob_bytes: int) -> bool:
        return self.files_below_bytes is None or blob_bytes < self.files_below_bytes


@dataclass
class LinePlan:
    """Which commits of one line to send: some with all they hold, the rest as what is new in them."""

    whole: set[int] = field(default_factory=set)  # by seq
    new_in: set[int] = field(default_factory=set)
    folders: set[str] = field(default_factory=lambda: {""})  # that have a tree to send

    @property
    def seqs(self) -> set[int]:
        return self.whole | self.new_in


@dataclass
class PackPlan:
    """All objects of one pack. Ids are binary: a plan of a hundred thousand files stays in memory."""

    repo: Repo
    commits: list[str]
    extras: Extras
    trees: set[bytes] = field(default_factory=set)
    files: dict[bytes, PlannedFile] = field(default_factory=dict)
    lines: dict[int, LinePlan] = field(default_factory=lambda: defaultdict(LinePlan))

    @property
    def count(self) -> int:
        return len(self.commits) + len(self.extras.tags) + len(self.trees) + len(self.files)


def plan_pack(repo: Repo, history: History, selection: Selection, extras: Extras) -> PackPlan:
    """Returns what a pack for this selection of commits holds.

    Raises:
        NotServed: a commit is known by upstream's word only.
        BlobUnavailable: a file that belongs into it is damaged.
        EntryNotFound: a file that was asked for is in no commit of this repo.
    """
    commits = sorted(selection.commits, key=lambda oid: history.nodes[oid].time, reverse=True)
    plan = PackPlan(repo, commits, extras)
    _refuse_stated(repo, commits)
    places = {(node.line_id, node.seq): oid for oid, node in history.nodes.items()}
    known = selection.commits | selection.held
    for oid in commits:
        node = history.nodes[oid]
        before = places.get((node.line_id, node.seq - 1))
        if before is not None and before in known:
            plan.lines[node.line_id].new_in.add(node.seq)
            _want_tree(plan, node.tree_oid, unless=history.nodes[before].tree_oid)
        else:
            _plan_whole(plan, node, _known_parent(history, node, known))
    for line_id, line in plan.lines.items():
        if line.new_in:
            _plan_rows(plan, line, TreeEntry.objects.filter(line_id=line_id).filter(_seqs_in(line.new_in)))
    _plan_named_files(plan)
    return plan


def pack_stream(plan: PackPlan) -> Iterator[bytes]:
    """Yields the pack, made on the way. Raises `BlobUnavailable` when stored bytes are gone meanwhile."""
    return pack_writing.written(plan.count, _objects(plan))


def _objects(plan: PackPlan) -> Iterator[PackObject]:
    yield from _commits(plan)
    for tag in plan.extras.tags:
        yield _in_memory(pack_writing.TAG, bytes(tag.raw))
    yield from _trees(plan)
    for file in plan.files.values():
        yield _blob(file)


def _refuse_stated(repo: Repo, commits: list[str]) -> None:
    for batch in _batches(commits):
        if repo.commits.filter(oid__in=batch, raw=None).exists():
            raise NotServed(
                _("Commits in this history are known by their source's word only; git cannot fetch them from here.")
            )


def _known_parent(history: History, node: Node, known: set[str]) -> Node | None:
    first = node.parents[0] if node.parents else None
    return history.nodes[first] if first in history.nodes and first in known else None


def _plan_whole(plan: PackPlan, node: Node, parent: Node | None) -> None:
    """All a commit holds, without what its parent brings already."""
    line = plan.lines[node.line_id]
    line.whole.add(node.seq)
    entries = _live(node)
    if parent is not None:
        same = _live(parent).filter(path=OuterRef("path"), oid=OuterRef("oid"))
        entries = entries.filter(~Exists(same))
    _want_tree(plan, node.tree_oid, unless=parent.tree_oid if parent else "")
    _plan_rows(plan, line, entries)


def _live(node: Node) -> TreeEntryQuerySet:
    return TreeEntry.objects.at(Commit(line_id=node.line_id, seq=node.seq))


def _want_tree(plan: PackPlan, oid: str, *, unless: str) -> None:
    if oid != unless:
        plan.trees.add(bytes.fromhex(oid))


def _plan_rows(plan: PackPlan, line: LinePlan, entries: TreeEntryQuerySet) -> None:
    for row in map(_PlanRow._make, entries.values_list(*_PLAN_FIELDS).iterator(ROWS_AT_A_TIME)):
        if row.mode == TreeEntry.MODE_FOLDER:
            plan.trees.add(bytes.fromhex(row.oid))
            line.folders.add(row.path)
        elif plan.extras.has(_POINTER_BYTES if row.is_lfs else row.size):
            _plan_file(plan, row)


def _plan_named_files(plan: PackPlan) -> None:
    """Files that were asked for by their ids; some commit of this repo must hold them."""
    for batch in _batches(sorted(plan.extras.files)):
        entries = TreeEntry.objects.files().filter(line__repo=plan.repo, oid__in=batch)
        for row in map(_PlanRow._make, entries.values_list(*_PLAN_FIELDS).iterator(ROWS_AT_A_TIME)):
            _plan_file(plan, row)
    missing = next((oid for oid in plan.extras.files if bytes.fromhex(oid) not in plan.files), None)
    if missing is not None:
        raise EntryNotFound(f"upload-pack: not our ref {missing}")


def _plan_file(plan: PackPlan, row: _PlanRow) -> None:
    name = bytes.fromhex(row.oid)
    if name in plan.files:
        return
    if not row.is_lfs and row.state != Blob.State.LIVE:
        raise BlobUnavailable(_("The file %(path)s is damaged here.") % {"path": row.path})
    content = bytes.fromhex(row.sha256 or _removed(plan.repo, row.oid))
    plan.files[name] = PlannedFile(name, content, row.size, row.is_lfs)


def _removed(repo: Repo, pointer_oid: str) -> str:
    """The sha256 of a large file that was deleted for good: its pointer stays in the history."""
    removed = RemovedFile.objects.filter(repo=repo, pointer_oid=pointer_oid).first()
    if removed is None:
        raise BlobUnavailable
    return removed.sha256


def _seqs_in(seqs: set[int]) -> Q:
    """Entries that begin with one of these commits; neighbours become ranges."""
    found = Q(pk=None)
    ordered = sorted(seqs)
    for _distance, group in groupby(enumerate(ordered), lambda pair: pair[1] - pair[0]):
        numbers = [number for _index, number in group]
        found |= Q(first_seq__range=(numbers[0], numbers[-1]))
    return found


def _commits(plan: PackPlan) -> Iterator[PackObject]:
    for batch in _batches(plan.commits):
        rows = plan.repo.commits.filter(oid__in=batch).values_list("raw", flat=True)
        for raw in rows:
            yield _in_memory(pack_writing.COMMIT, bytes(raw or b""))


def _trees(plan: PackPlan) -> Iterator[PackObject]:
    """Each folder with its versions; what its content hashes to decides whether it belongs into the pack."""
    waiting = set(plan.trees)
    for line_id, line in plan.lines.items():
        for rows, versions in _folders(line_id, line):
            yield from _versions(rows, versions, waiting)
    if bytes.fromhex(git_objects.EMPTY_TREE_ID) in waiting:
        waiting.remove(bytes.fromhex(git_objects.EMPTY_TREE_ID))
        yield _in_memory(pack_writing.TREE, b"")
    if waiting:
        raise BlobUnavailable(_("Folders of this repo do not hash to their ids."))


def _versions(rows: list[bytes], versions: Iterable[list[int]], waiting: set[bytes]) -> Iterator[PackObject]:
    """Those versions of one folder that are waited for: a folder of ten thousand files differs little from commit
    to commit, so most are told as the difference from the one before."""
    base, before, depth = b"", list[int](), 0
    for version in versions:
        body = b"".join([rows[index] for index in version])
        name = hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).digest()
        if name not in waiting:
            continue
        waiting.remove(name)
        delta = delta_between(rows, before, version) if base and depth < LONGEST_CHAIN else body
        if len(delta) * 2 < len(body):
            depth += 1
            yield PackObject(pack_writing.TREE, len(delta), (delta,), base)
        else:
            depth = 0
            yield _in_memory(pack_writing.TREE, body)
        base, before = name, version


class _Row(NamedTuple):
    first_seq: int
    last_seq: int | None
    data: bytes

    def is_live(self, seq: int) -> bool:
        return self.first_seq <= seq and (self.last_seq is None or self.last_seq > seq)


def _folders(line_id: int, line: LinePlan) -> Iterator[tuple[list[bytes], Iterator[list[int]]]]:
    """Every folder as the rows it ever had here, and which of them it had at each commit that is asked for."""
    wanted = line.seqs
    entries = TreeEntry.objects.filter(line_id=line_id, first_seq__lte=max(wanted))
    entries = entries.filter(Q(last_seq=None) | Q(last_seq__gte=min(wanted)))
    if len(line.folders) <= MOST_FOLDERS_NAMED:
        entries = entries.filter(folder__in=line.folders)
    fields = ("folder", "path", "mode", "oid", "first_seq", "last_seq")
    rows = entries.order_by("folder", "path").values_list(*fields).iterator(ROWS_AT_A_TIME)
    for _folder, group in groupby(rows, itemgetter(0)):
        children = _in_gits_order(group)
        yield [row.data for row in children], _at_each_commit(children, line)


def _at_each_commit(children: list[_Row], line: LinePlan) -> Iterator[list[int]]:
    """At commits that changed the folder, and at those that are sent as a whole."""
    changes = {row.first_seq for row in children} | {row.last_seq for row in children}
    for seq in sorted((line.new_in & changes) | line.whole):
        yield [index for index, row in enumerate(children) if row.is_live(seq)]


def _in_gits_order(group: Iterable[tuple[str, str, int, str, int, int | None]]) -> list[_Row]:
    """A folder sorts as if its name ended in '/'."""
    rows = []
    for folder, path, mode, oid, first_seq, last_seq in group:
        name = path[len(folder) + 1 :] if folder else path
        item = TreeItem(mode, name, oid)
        key = name.encode() + (b"/" if mode == TreeEntry.MODE_FOLDER else b"")
        rows.append((key, _Row(first_seq, last_seq, git_objects.tree_body([item]))))
    return [row for _key, row in sorted(rows, key=itemgetter(0))]


def _blob(file: PlannedFile) -> PackObject:
    sha256 = file.sha256.hex()
    if file.is_pointer:
        return _in_memory(pack_writing.BLOB, git_objects.pointer_text(sha256, file.size))
    return PackObject(pack_writing.BLOB, file.size, _stored(sha256, file.size))


def _stored(sha256: str, size: int) -> Iterator[bytes]:
    left = size
    with blob_store().open(sha256) as content:
        while left and (piece := content.read(min(READ_BYTES, left))):
            left -= len(piece)
            yield piece
    if left:
        raise BlobUnavailable


def _in_memory(kind: int, body: bytes) -> PackObject:
    return PackObject(kind, len(body), (body,))


def _batches(oids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(oids), COMMITS_AT_A_TIME):
        yield oids[start : start + COMMITS_AT_A_TIME]
