"""Writing a commit's files as intervals on a line (see models/revision.py and ADR 0004)."""

from __future__ import annotations

from typing import Final

from django.db import connection

from catalog.actions.history.changesets import ChangeSet, NewFile
from catalog.actions.history.tree_building import NewTree, parent_of
from catalog.models import Commit, Line, Repo, TreeEntry

COPY_SECONDS: Final = 120

_ADD_ENTRIES = """
    COPY catalog_treeentry
        (line_id, path, folder, mode, oid, size, blob_id, is_lfs, changed_in_id, first_seq) FROM STDIN
"""
_COPY_ENTRIES = """
    INSERT INTO catalog_treeentry
        (line_id, path, folder, mode, oid, size, blob_id, is_lfs, changed_in_id, first_seq, last_seq)
    SELECT %s, path, folder, mode, oid, size, blob_id, is_lfs, changed_in_id, 0, NULL
    FROM catalog_treeentry
    WHERE line_id = %s AND first_seq <= %s AND (last_seq IS NULL OR last_seq > %s)
"""
_TAKE_ENTRIES = """
    INSERT INTO catalog_treeentry
        (line_id, path, folder, mode, oid, size, blob_id, is_lfs, changed_in_id, first_seq, last_seq)
    SELECT %s, path, folder, mode, oid, size, blob_id, is_lfs, %s, %s, NULL
    FROM catalog_treeentry
    WHERE line_id = %s AND first_seq <= %s AND (last_seq IS NULL OR last_seq > %s)
"""


def place_after(repo: Repo, base: Commit | None, *, on_own_line: bool = False) -> tuple[Line, int]:
    """Returns the line a commit upon `base` belongs to, locked, and its number there.

    Two branches may share a line, so whoever comes second finds the tip moved and opens a line of
    its own. What `base` holds cannot change meanwhile: later commits only close intervals after it.

    Args:
        on_own_line: open a new line even where `base` is the tip of its own.
    """
    if base is None:
        return Line.objects.create(repo=repo, tip_seq=1), 1
    line = Line.objects.select_for_update().get(pk=base.line_id)
    if on_own_line or line.tip_seq != base.seq:
        line = Line.objects.create(repo=repo)
        _copy(_COPY_ENTRIES, line.pk, base.line_id, base.seq, base.seq)
    line.tip_seq += 1
    line.save(update_fields=["tip_seq"])
    return line, line.tip_seq


def copy_all(source: Commit, commit: Commit) -> None:
    """Give a commit that starts its line everything that `source` holds, as its own doing."""
    _copy(_TAKE_ENTRIES, commit.line_id, commit.pk, commit.seq, source.line_id, source.seq, source.seq)


def write(commit: Commit, changes: ChangeSet, tree: NewTree) -> None:
    """Close the intervals of what the commit replaces and open those of what it holds anew."""
    paths = [*changes.files, *tree.folders]
    commit.line.entries.filter(path__any_of=paths, last_seq=None).update(last_seq=commit.seq)
    # COPY takes a fifth of the time of INSERT: a first commit may bring many thousand files
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(_ADD_ENTRIES) as rows:
        for path, new in changes.files.items():
            if new is not None:
                rows.write_row(_row(commit, path, new))
        for path, oid in tree.folders.items():
            if oid is not None:
                folder = NewFile(mode=TreeEntry.MODE_FOLDER, oid=oid, size=0, blob_id=None, is_lfs=False)
                rows.write_row(_row(commit, path, folder))


def _copy(statement: str, *values: int) -> None:
    """A hundred thousand entries take longer than other statements of a web request may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        (usual,) = cursor.fetchone()
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{COPY_SECONDS}s"])
        cursor.execute(statement, values)
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [usual])


def _row(commit: Commit, path: str, new: NewFile) -> tuple[object, ...]:
    """In the order of the columns in `_ADD_ENTRIES`."""
    return (
        *(commit.line_id, path, parent_of(path), new.mode, new.oid),
        *(new.size, new.blob_id, new.is_lfs, commit.pk, commit.seq),
    )
