"""From a revision and a path to a file in one query: what `resolve` does thousands of times a minute.

It finds what is plain to find. Everything else (a shortened commit id, a full ref, nothing at all) is None, and the
caller goes the long way, which also knows why.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.models import F, Q, QuerySet

from catalog.models import Blob, Commit, Ref, Repo, TreeEntry
from catalog.queries.prepared import Columns, Prepared

_MODES = (TreeEntry.MODE_FILE, TreeEntry.MODE_EXECUTABLE, TreeEntry.MODE_SYMLINK)
_COMMIT_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)

_COMMIT = Columns(Commit, fields=("id", "repo_id", "oid", "line_id", "seq"))
_ENTRY = Columns(TreeEntry, "line__entries")
_BLOB = Columns(Blob, "line__entries__blob", without=("header",))


def find_file(repo: Repo, revision: str, path: str) -> tuple[Commit, TreeEntry] | None:
    """Returns the commit that a branch, a tag or a full commit id names, and its file at this path, blob selected."""
    query = _BY_ID if _COMMIT_ID.fullmatch(revision) else _BY_REF  # no ref may look like a commit id
    row = query.first(repo=repo.pk, revision=revision, path=path)
    if row is None:
        return None
    commit, at = _COMMIT.read(row, 0)
    entry, at = _ENTRY.read(row, at)
    if entry.blob_id is not None:
        entry.blob, at = _BLOB.read(row, at)
    return commit, entry


def _files(path: str, **named: Any) -> QuerySet[Commit]:  # noqa: ANN401  conditions of any type
    return Commit.objects.filter(
        Q(line__entries__last_seq=None) | Q(line__entries__last_seq__gt=F("seq")),
        line__entries__path=path,
        line__entries__first_seq__lte=F("seq"),
        line__entries__mode__in=_MODES,
        **named,
    )


def _by_ref(repo: Any, revision: str, path: str) -> QuerySet[Commit]:  # noqa: ANN401  a stand-in
    kinds = [Ref.Kind.BRANCH, Ref.Kind.TAG]  # in this order: a branch wins over a tag of the same name
    found = _files(path, refs__repo=repo, refs__name=revision, refs__kind__in=kinds)
    return found.order_by("refs__kind")


def _by_id(repo: Any, revision: str, path: str) -> QuerySet[Commit]:  # noqa: ANN401  a stand-in
    return _files(path, repo=repo, oid=revision).order_by()


_COLUMNS = [*_COMMIT.names, *_ENTRY.names, *_BLOB.names]
_BY_REF = Prepared(_by_ref, _COLUMNS, repo=int, revision=str, path=str)
_BY_ID = Prepared(_by_id, _COLUMNS, repo=int, revision=str, path=str)
