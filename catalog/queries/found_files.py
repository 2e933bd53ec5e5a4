"""From names in a URL to a file in one query: what `resolve` does thousands of times a minute.

It finds what is plain to find. Everything else (a former name, a shortened commit id, a full ref, nothing at all) is
None, and the caller goes the long way, which also knows why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import F, Q, QuerySet

from catalog.models import Blob, Commit, Ref, Repo, TreeEntry, User
from catalog.queries.lookups import REPO_COLUMNS, ForReader, repo_in, repos_named
from catalog.queries.prepared import Columns

_MODES = (TreeEntry.MODE_FILE, TreeEntry.MODE_EXECUTABLE, TreeEntry.MODE_SYMLINK)
_COMMIT_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)


def find_file(
    reader: User | None, kind: str, owner: str, name: str, *, revision: str, path: str
) -> tuple[Repo, Commit, TreeEntry] | None:
    """Returns the repo of this name, if this person may see it, the commit that a branch, a tag or a full commit id
    names, and its file at this path. Namespace, mirror and blob are selected; the gate is the caller's to look at.
    """
    files = _BY_ID if _COMMIT_ID.fullmatch(revision) else _BY_REF  # no ref may look like a commit id
    named = {"kind": kind, "owner": owner.casefold(), "name": name.casefold(), "revision": revision, "path": path}
    row = files.query.first(reader, **named)
    return None if row is None else files.read(row)


class _Files:
    """Files of commits that are found in one way.

    Args:
        commits: the path from a repo to them.
        conditions: what names one of them, given the revision.
    """

    def __init__(self, commits: str, conditions: Callable[[str], dict[str, Any]], *order: str) -> None:
        self._commit = Columns(Commit, commits, fields=("id", "repo_id", "oid", "line_id", "seq"))
        self._entry = Columns(TreeEntry, f"{commits}__line__entries")
        self._blob = Columns(Blob, f"{commits}__line__entries__blob", without=("header",))
        columns = [*REPO_COLUMNS, *self._commit.names, *self._entry.names, *self._blob.names]

        def build(reader: User | None, *, revision: str, path: str, **named: str) -> QuerySet[Repo]:
            found = repos_named(reader, **named).filter(_entry_at(commits, path), **conditions(revision))
            return found.order_by(*order)

        self.query = ForReader(build, columns, kind=str, owner=str, name=str, revision=str, path=str)

    def read(self, row: Sequence[Any]) -> tuple[Repo, Commit, TreeEntry]:
        commit, at = self._commit.read(row, len(REPO_COLUMNS))
        entry, at = self._entry.read(row, at)
        if entry.blob_id is not None:
            entry.blob, at = self._blob.read(row, at)
        return repo_in(row), commit, entry


def _entry_at(commits: str, path: str) -> Q:
    """The interval of this path that the commit lies in."""
    entries, seq = f"{commits}__line__entries", F(f"{commits}__seq")
    alive = Q((f"{entries}__last_seq", None)) | Q((f"{entries}__last_seq__gt", seq))
    return alive & Q((f"{entries}__path", path), (f"{entries}__first_seq__lte", seq), (f"{entries}__mode__in", _MODES))


def _of_ref(revision: str) -> dict[str, Any]:
    return {"refs__name": revision, "refs__kind__in": [Ref.Kind.BRANCH, Ref.Kind.TAG]}


# "branch" sorts before "tag": a branch wins over a tag of the same name
_BY_REF = _Files("refs__commit", _of_ref, "refs__kind")
_BY_ID = _Files("commits", lambda revision: {"commits__oid": revision})
