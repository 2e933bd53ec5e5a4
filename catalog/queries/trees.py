"""Reading history: which commit a revision names, and which files a commit holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from catalog.errors import EntryNotFound, RevisionNotFound
from catalog.models import Commit, Ref, RemovedFile, Repo, TreeEntry
from catalog.models.revision import TreeEntryQuerySet
from catalog.queries.prepared import Columns, Prepared

SHORTEST_COMMIT_ID: Final = 7
LONGEST_PAGE: Final = 1000

_COMMIT_ID = re.compile(rf"[0-9a-f]{{{SHORTEST_COMMIT_ID},40}}", re.ASCII | re.IGNORECASE)


def resolve_revision(repo: Repo, revision: str) -> Commit:
    """Returns the commit that a branch, a tag, a full ref or a commit id (7 to 40 digits) names.

    Raises:
        RevisionNotFound: nothing here has this name, or a short id fits several commits.
    """
    commit = _commit_of_ref(repo, revision) or _commit_of_id(repo, revision)
    if commit is None:
        raise RevisionNotFound(_("Invalid rev id: %(revision)s") % {"revision": revision})
    return commit


def commit_named(repo: Repo, oid: str) -> Commit:
    """Returns the commit of an id, 7 to 40 digits. Raises `RevisionNotFound`."""
    commit = _commit_of_id(repo, oid)
    if commit is None:
        raise RevisionNotFound(_("Invalid rev id: %(oid)s") % {"oid": oid})
    return commit


def head_of(repo: Repo) -> Commit | None:
    """The newest commit of the default branch; None while a new mirror is still empty."""
    row = _OF_FULL_REF.first(repo=repo.pk, name=repo.default_branch, kind=Ref.Kind.BRANCH.value)
    return _COMMIT.read(row, 0)[0] if row else None


def file_at(commit: Commit, path: str) -> TreeEntry:
    """Returns the file at this path, its blob selected.

    Raises:
        EntryNotFound: no file is there; the fact `commit` says where we looked.
    """
    # the newest interval first: a file that changed a thousand times costs no more than one that never did
    entry = entries_in(commit).files().filter(path=path).order_by("-first_seq").first()
    if entry is None:
        raise _not_found(commit)
    return name_removed(commit, [entry])[0]


def entries_at(commit: Commit, paths: Iterable[str]) -> list[TreeEntry]:
    """Returns the files and folders at these paths, in the order of paths; unknown ones are left out."""
    return name_removed(commit, list(_with_changes(entries_in(commit)).filter(path__in=list(paths)).order_by("path")))


def entries_of(
    commit: Commit,
    *,
    folder: str = "",
    recursive: bool = False,
    after: str = "",
    limit: int = LONGEST_PAGE,
    with_changes: bool = True,
) -> list[TreeEntry]:
    """Returns one page of a folder, ordered by the bytes of the path; a recursive one holds folders, too.

    Args:
        folder: without slashes at its ends; "" is the root.
        after: path of the last entry of the page before.
        with_changes: with the commits that changed them last.

    Raises:
        EntryNotFound: there is no such folder.
    """
    entries = entries_in(commit).order_by("path")
    if with_changes:
        entries = _with_changes(entries)
    if not recursive:
        entries = entries.filter(folder=folder)
    elif folder:
        entries = below(entries, folder)
    if after:
        entries = entries.filter(path__gt=after)
    page = list(entries[:limit])
    if not page and folder and not _has_folder(commit, folder):
        raise _not_found(commit)
    return name_removed(commit, page)


def name_removed(commit: Commit, entries: list[TreeEntry]) -> list[TreeEntry]:
    """Returns the same entries; large files that were deleted for good tell which they were."""
    gone = [entry for entry in entries if entry.is_lfs and entry.blob_id is None]
    if gone:
        rows = RemovedFile.objects.filter(repo=commit.repo_id, pointer_oid__in=[entry.oid for entry in gone])
        by_pointer = dict(rows.values_list("pointer_oid", "sha256"))
        for entry in gone:
            entry.removed_sha256 = by_pointer.get(entry.oid, "")
    return entries


def entries_in(commit: Commit) -> TreeEntryQuerySet:
    """All entries of a commit, blobs selected."""
    return TreeEntry.objects.at(commit).select_related("blob")


def below(entries: TreeEntryQuerySet, folder: str) -> TreeEntryQuerySet:
    """Those under a folder at any depth, by a range that the index on paths serves ("0" follows "/")."""
    return entries.filter(path__gt=f"{folder}/", path__lt=f"{folder}0")


def history(commit: Commit, *, after: Commit | None = None, limit: int = 100) -> list[Commit]:
    """Returns this commit and those it was built upon, newest first.

    Args:
        after: the last commit of the page before.
    """
    found: list[Commit] = []
    start: Commit | None = commit if after is None else _earlier(after)
    while start is not None and len(found) < limit:
        on_line = start.line.commits.filter(seq__lte=start.seq).select_related("author").order_by("-seq")
        found += on_line[: limit - len(found)]
        start = _parent(found[-1])
    return found


def refs_of(repo: Repo) -> list[Ref]:
    """Returns branches, then tags, each by name, their commits selected."""
    refs = repo.refs.exclude(kind=Ref.Kind.PULL_REQUEST)
    return list(refs.select_related("commit").order_by("kind", "name"))


def pull_request_refs_of(repo: Repo) -> list[Ref]:
    """Returns `refs/pr/N` of all pull requests, merged and closed ones too, by number."""
    return sorted(repo.refs.pull_requests().select_related("commit"), key=lambda ref: int(ref.name))


def _commit_of_ref(repo: Repo, revision: str) -> Commit | None:
    kind, name = Ref.kind_and_name(revision)
    if name == revision:
        row = _OF_NAME.first(repo=repo.pk, name=name)
    else:
        row = _OF_FULL_REF.first(repo=repo.pk, name=name, kind=kind)
    return _COMMIT.read(row, 0)[0] if row else None


def _commit_of_id(repo: Repo, revision: str) -> Commit | None:
    if not _COMMIT_ID.fullmatch(revision):
        return None
    start = revision.lower()
    found = list(repo.commits.filter(oid__gte=start, oid__lt=start + "g")[:2])
    return found[0] if len(found) == 1 else None


def _earlier(commit: Commit) -> Commit | None:
    on_line = commit.line.commits.filter(seq__lt=commit.seq).order_by("-seq").first()
    return on_line or _parent(commit)


def _parent(commit: Commit) -> Commit | None:
    """The first parent; None at the start of history, or where it was not mirrored."""
    return Commit.objects.filter(repo_id=commit.repo_id, oid__in=commit.parents[:1]).first()


def _with_changes(entries: TreeEntryQuerySet) -> TreeEntryQuerySet:
    """A page has many entries but few commits that changed them: fetching those apart took 60 % less time."""
    return entries.prefetch_related(Prefetch("changed_in", Commit.objects.defer("raw")))


def _has_folder(commit: Commit, folder: str) -> bool:
    return TreeEntry.objects.at(commit).filter(path=folder, mode=TreeEntry.MODE_FOLDER).exists()


def _not_found(commit: Commit) -> EntryNotFound:
    return EntryNotFound(_("Entry not found"), commit=commit.oid)


def _refs(repo: Any, name: str, **named: Any) -> QuerySet[Ref]:  # noqa: ANN401  stand-ins
    # "branch" sorts before "tag": a branch wins over a tag of the same name
    return Ref.objects.filter(repo=repo, name=name, **named).order_by("kind")


_COMMIT = Columns(Commit, "commit")
_OF_NAME = Prepared(partial(_refs, kind__in=[Ref.Kind.BRANCH, Ref.Kind.TAG]), _COMMIT.names, repo=int, name=str)
_OF_FULL_REF = Prepared(_refs, _COMMIT.names, repo=int, name=str, kind=str)
