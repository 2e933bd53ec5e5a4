"""What lies between two commits: where their histories part, and which files differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Q

from catalog.models import Commit, TreeEntry
from catalog.queries import trees
from catalog.queries.changes import Change

MOST_COMMITS_WALKED: Final = 20_000

_DIFFERING: Final = """
    SELECT coalesce(before.path, after.path)
    FROM (SELECT path, mode, oid FROM catalog_treeentry
          WHERE line_id = %(before_line)s AND first_seq <= %(before)s
            AND (last_seq IS NULL OR last_seq > %(before)s) AND mode <> %(folder)s) AS before
    FULL JOIN (SELECT path, mode, oid FROM catalog_treeentry
          WHERE line_id = %(after_line)s AND first_seq <= %(after)s
            AND (last_seq IS NULL OR last_seq > %(after)s) AND mode <> %(folder)s) AS after
    ON before.path = after.path
    WHERE before.oid IS DISTINCT FROM after.oid OR before.mode IS DISTINCT FROM after.mode
"""


class FileState(NamedTuple):
    """A file as one commit holds it."""

    mode: int
    oid: str
    size: int
    blob_id: int | None
    is_lfs: bool


Difference = dict[str, tuple[FileState | None, FileState | None]]  # path → before, after; None: not there


def merge_base(target: Commit, source: Commit) -> Commit | None:
    """Returns the newest commit on the way down from `target`, by first parents, that `source` was built upon, too.

    None when their histories share nothing, as after a squash.
    """
    way = _way_down(target)
    met: list[tuple[int, int, int]] = []  # rank on the way down, -seq, line
    waiting, seen = {source.oid}, set[str]()
    while waiting and len(seen) < MOST_COMMITS_WALKED:
        found = list(Commit.objects.filter(repo_id=source.repo_id, oid__in=waiting).defer("raw"))
        seen |= waiting
        waiting = set()
        for commit in found:
            if commit.line_id in way:
                rank, seq = way[commit.line_id]
                met.append((rank, -min(seq, commit.seq), commit.line_id))
                continue
            on_line = commit.line.commits.filter(seq__lte=commit.seq)
            for oid, parents in on_line.order_by("-seq").values_list("oid", "parents")[:MOST_COMMITS_WALKED]:
                seen.add(oid)
                waiting.update(parents)
        waiting -= seen
    if not met:
        return None
    _rank, seq, line_id = min(met)
    return Commit.objects.get(line_id=line_id, seq=-seq)


def difference(before: Commit, after: Commit) -> Difference:
    """Returns all files that differ, by path."""
    paths = _touched(before, after)
    old, new = _states(before, paths), _states(after, paths)
    states = {path: (old.get(path), new.get(path)) for path in sorted(paths)}
    return {path: sides for path, sides in states.items() if sides[0] != sides[1]}


def changes_between(before: Commit, after: Commit, paths: Iterable[str]) -> list[Change]:
    """Returns the files at these paths on both sides, contents selected, by path."""
    wanted = sorted(paths)
    old = {entry.path: entry for entry in trees.entries_in(before).files().filter(path__in=wanted)}
    new = {entry.path: entry for entry in trees.entries_in(after).files().filter(path__in=wanted)}
    return [Change(path, old.get(path), new.get(path)) for path in wanted]


def commits_between(base: Commit | None, head: Commit, *, limit: int) -> list[Commit]:
    """Returns the commits after `base` up to `head`, newest first, by first parents."""
    found = []
    for commit in trees.history(head, limit=limit + 1):
        if base is not None and commit.oid == base.oid:
            break
        found.append(commit)
    return found[:limit]


def _way_down(commit: Commit) -> dict[int, tuple[int, int]]:
    """Line → its rank on the way to the first commit, and the number of the newest commit on the way."""
    way: dict[int, tuple[int, int]] = {}
    at: Commit | None = commit
    while at is not None and at.line_id not in way:
        way[at.line_id] = (len(way), at.seq)
        first = at.line.commits.order_by("seq").defer("raw").first()
        parents = first.parents[:1] if first else []
        at = Commit.objects.filter(repo_id=commit.repo_id, oid__in=parents).defer("raw").first()
    return way


def _touched(before: Commit, after: Commit) -> set[str]:
    """Paths that may differ: what the lines on the way wrote, or, without such a way, what differs at all."""
    way = sorted(_way_down(after).items(), key=lambda item: item[1][0])
    steps: list[Q] = []
    for line_id, (_rank, seq) in way:
        low = before.seq if line_id == before.line_id else 0
        opened, closed = Q(first_seq__gt=low, first_seq__lte=seq), Q(last_seq__gt=low, last_seq__lte=seq)
        steps.append(Q(line_id=line_id) & (opened | closed))
        if line_id == before.line_id:
            if low > seq:
                break
            paths: set[str] = set()
            for step in steps:
                paths.update(TreeEntry.objects.files().filter(step).values_list("path", flat=True))
            return paths
    return _differing(before, after)


def _differing(before: Commit, after: Commit) -> set[str]:
    values = {"before_line": before.line_id, "before": before.seq, "after_line": after.line_id, "after": after.seq}
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, {**values, "folder": TreeEntry.MODE_FOLDER})
        return {path for (path,) in cursor.fetchall()}


def _states(commit: Commit, paths: Iterable[str]) -> dict[str, FileState]:
    entries = TreeEntry.objects.at(commit).files().filter(path__in=list(paths))
    return {path: FileState(*state) for path, *state in entries.values_list("path", *FileState._fields)}
