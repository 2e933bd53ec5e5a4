"""The intervals of one line without some of its files: which folders it had at each commit, written anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from catalog.errors import TooLarge
from catalog.models import Line, TreeEntry
from catalog.models.revision import TreeEntryQuerySet
from catalog.parsing import git_objects
from catalog.parsing.git_objects import TreeItem

MOST_ROWS: Final = 300_000  # of the folders that change, on one line
MOST_HASHED: Final = 15_000_000  # names in folders, hashed for all commits: about half a minute
ROWS_AT_A_TIME: Final = 2000

Children = dict[str, tuple[int, str]]  # name → (mode, git id)


@dataclass
class Work:
    """How much may still be done before a history counts as too long."""

    left: int = MOST_HASHED

    def take(self, amount: int) -> None:
        """Raises `TooLarge`."""
        self.left -= amount
        if self.left < 0:
            raise refusal()


class _Interval(NamedTuple):
    """A folder had this id for so long."""

    path: str
    oid: str
    first_seq: int
    last_seq: int | None


@dataclass
class _Replay:
    """The folders that change, at one commit after the other."""

    children: dict[str, Children]
    work: Work
    live: dict[str, tuple[str, int]] = field(default_factory=dict)  # path → id, since when
    done: list[_Interval] = field(default_factory=list)
    roots: dict[int, str] = field(default_factory=dict)  # by seq, where it changed

    def step(self, seq: int, closed: list[TreeEntry], opened: list[TreeEntry]) -> None:
        for entry in closed:
            self.children[entry.folder].pop(entry.name, None)
        for entry in opened:
            self.children[entry.folder][entry.name] = (entry.mode, entry.oid)
        changed = with_ancestors(entry.folder for entry in [*closed, *opened])
        for folder in sorted(changed, key=_depth, reverse=True):
            oid = self._id_of(folder)
            if folder:
                self._place(folder, oid, seq)
            else:
                self.roots[seq] = oid

    def intervals(self) -> Iterator[_Interval]:
        yield from self.done
        for path, (oid, since) in self.live.items():
            yield _Interval(path, oid, since, None)

    def _id_of(self, folder: str) -> str:
        """Of an empty folder "": git keeps none, save the root."""
        children = self.children[folder]
        self.work.take(len(children) + 1)
        if not children and folder:
            return ""
        return git_objects.object_id(
            "tree", git_objects.tree_body(TreeItem(mode, name, oid) for name, (mode, oid) in children.items())
        )

    def _place(self, folder: str, oid: str, seq: int) -> None:
        before, since = self.live.get(folder, ("", 0))
        if before == oid:
            return
        above, _slash, name = folder.rpartition("/")
        if before:
            self.done.append(_Interval(folder, before, since, seq))
            del self.live[folder]
        if oid:
            self.live[folder] = (oid, seq)
            self.children[above][name] = (TreeEntry.MODE_FOLDER, oid)
        elif self.children[above].get(name, (0, ""))[0] == TreeEntry.MODE_FOLDER:  # else a file took the name
            del self.children[above][name]


def take_out(line: Line, doomed: TreeEntryQuerySet, work: Work) -> dict[int, str]:
    """Delete these files of the line at every commit; returns the new id of each commit's root by the commit's key.

    Raises:
        TooLarge: the history is too long to be written anew within a request.
    """
    folders = with_ancestors(doomed.values_list("folder", flat=True).distinct())
    doomed.delete()
    rows = TreeEntry.objects.filter(line=line, folder__in=folders)
    if rows.count() > MOST_ROWS:
        raise refusal()
    changed_in: dict[tuple[str, int], int] = {}
    stale: list[int] = []
    opened, closed = defaultdict[int, list[TreeEntry]](list), defaultdict[int, list[TreeEntry]](list)
    for entry in rows.iterator(ROWS_AT_A_TIME):
        if entry.is_folder and entry.path in folders:
            stale.append(entry.pk)
            changed_in[entry.path, entry.first_seq] = entry.changed_in_id
            continue
        opened[entry.first_seq].append(entry)
        if entry.last_seq is not None:
            closed[entry.last_seq].append(entry)
    replay = _Replay({folder: {} for folder in folders}, work)
    for seq in sorted({*opened, *closed}):
        replay.step(seq, closed[seq], opened[seq])
    TreeEntry.objects.filter(pk__in=stale).delete()
    # a folder that differs after a commit differed before this, too, so there was an entry that began there
    new = [_entry(line, one, changed_in[one.path, one.first_seq]) for one in replay.intervals()]
    TreeEntry.objects.bulk_create(new, batch_size=ROWS_AT_A_TIME)
    return _roots(line, replay.roots)


def with_ancestors(folders: Iterable[str]) -> set[str]:
    """These folders and all above them, the root ("") included."""
    found = {""}
    for folder in folders:
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]  # noqa: PLW2901  the way up
    return found


def refusal() -> TooLarge:
    return TooLarge(
        _("The history of this repo is too long to be rewritten here; delete the files without rewriting the history.")
    )


def _roots(line: Line, changed: dict[int, str]) -> dict[int, str]:
    """Commits that changed nothing have the root of the one before."""
    found: dict[int, str] = {}
    waiting = sorted(changed.items(), reverse=True)
    root = git_objects.EMPTY_TREE_ID
    for pk, seq in line.commits.order_by("seq").values_list("pk", "seq"):
        while waiting and waiting[-1][0] <= seq:
            _seq, root = waiting.pop()
        found[pk] = root
    return found


def _entry(line: Line, interval: _Interval, changed_in: int) -> TreeEntry:
    return TreeEntry(
        line=line,
        path=interval.path,
        folder=interval.path.rpartition("/")[0],
        mode=TreeEntry.MODE_FOLDER,
        oid=interval.oid,
        changed_in_id=changed_in,
        first_seq=interval.first_seq,
        last_seq=interval.last_seq,
    )


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0
