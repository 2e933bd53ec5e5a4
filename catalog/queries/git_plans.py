"""Which objects a `git fetch` is to be sent, found in the rows that are the truth; `git_objects` makes their bytes.

An entry begins where its object is new (ADR 0004), so a commit whose forerunner the client has, or gets, needs the
entries that begin with it and no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from catalog.errors import BlobUnavailable, EntryNotFound, NotServed
from catalog.models import Blob, Commit, RemovedFile, Repo, TagObject, TreeEntry
from catalog.models.revision import TreeEntryQuerySet
from catalog.parsing import git_objects
from catalog.queries.git_history import History, Node, Selection

ROWS_AT_A_TIME: Final = 5000
COMMITS_AT_A_TIME: Final = 500
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


def _refuse_stated(repo: Repo, commits: list[str]) -> None:
    for batch in batches(commits):
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
    for batch in batches(sorted(plan.extras.files)):
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


def batches(oids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(oids), COMMITS_AT_A_TIME):
        yield oids[start : start + COMMITS_AT_A_TIME]
