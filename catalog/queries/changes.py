"""What one commit changed against its first parent."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Commit, TreeEntry
from catalog.parsing.unified import LONGEST_COMPARED_BYTES
from catalog.queries import trees


@dataclass(frozen=True)
class Change:
    """One path before and after; None on the side where it is not."""

    path: str
    before: TreeEntry | None
    after: TreeEntry | None

    @property
    def size_difference(self) -> int:
        return (self.after.size if self.after else 0) - (self.before.size if self.before else 0)

    @property
    def comparable_bytes(self) -> int:
        """How much a comparison of both sides reads: nothing of what is too large or no plain file of git."""
        sizes = [side.size for side in (self.before, self.after) if side is not None and not side.is_lfs]
        return sum(sizes) if all(size <= LONGEST_COMPARED_BYTES for size in sizes) else 0


def changes_of(commit: Commit, *, limit: int) -> tuple[list[Change], bool]:
    """Returns at most `limit` changed files by path, and whether there are more.

    Only what the commit touched is read: entries it wrote, and entries of its parent that end with it.
    """
    written = _by_path(commit, limit, changed_in=commit)
    parent = parent_of(commit)
    if parent is None:
        return _joined({}, written, limit)
    if parent.line_id == commit.line_id:
        gone = trees.entries_in(parent).files().filter(last_seq=commit.seq).order_by("path")[: limit + 1]
        return _joined({entry.path: entry for entry in gone}, written, limit)
    # A new line repeats all live entries; then whatever of the parent is not in the commit went away.
    kept = trees.entries_in(commit).files().exclude(path__in=written).values("path")
    gone = trees.entries_in(parent).files().exclude(path__in=kept).order_by("path")[: limit + 1]
    return _joined({entry.path: entry for entry in gone}, written, limit)


def parent_of(commit: Commit) -> Commit | None:
    """The first parent, when it is here."""
    return Commit.objects.filter(repo_id=commit.repo_id, oid__in=commit.parents[:1]).first()


def _by_path(commit: Commit, limit: int, *, changed_in: Commit) -> dict[str, TreeEntry]:
    entries = trees.entries_in(commit).files().filter(changed_in=changed_in).order_by("path")[: limit + 1]
    return {entry.path: entry for entry in entries}


def _joined(before: dict[str, TreeEntry], after: dict[str, TreeEntry], limit: int) -> tuple[list[Change], bool]:
    paths = sorted({*before, *after})
    changes = [Change(path, before.get(path), after.get(path)) for path in paths[:limit]]
    return changes, len(paths) > limit
