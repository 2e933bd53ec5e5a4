"""The large files of a repo, by content: what its storage is used for, in all of its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from catalog.models import Ref, Repo, RepoBlob, TreeEntry


@dataclass(frozen=True)
class LargeFile:
    """One content, and a path it has or had; `ref` says where it is now, if it is at the head of anything."""

    sha256: str
    size: int
    path: str
    committed_at: datetime
    ref: str | None


def held_by(repo: Repo) -> QuerySet[RepoBlob]:
    """Those contents that some commit of the repo names by a pointer."""
    named = TreeEntry.objects.filter(line__repo=repo, is_lfs=True, blob=OuterRef("blob"))
    newest = Subquery(named.order_by("-pk").values("pk")[:1])
    return RepoBlob.objects.filter(Exists(named), repo=repo).annotate(entry_id=newest).select_related("blob")


def described(repo: Repo, held: Iterable[RepoBlob]) -> list[LargeFile]:
    """Returns rows of `held_by` with what a reader wants to know of them, in their order."""
    rows = list(held)
    places = TreeEntry.objects.select_related("changed_in").defer("changed_in__raw")
    newest = places.in_bulk([getattr(row, "entry_id") for row in rows])  # noqa: B009  annotated above
    entries = {entry.blob_id: entry for entry in newest.values()}
    head = repo.refs.branches().select_related("commit").filter(name=repo.default_branch).first()
    if head is not None:  # what is there now tells most
        there = places.at(head.commit).filter(is_lfs=True, blob__in=[row.blob_id for row in rows])
        entries |= {entry.blob_id: entry for entry in there}
    refs = _heads(repo, {entry.line_id for entry in entries.values()})
    return [_of(row, entries[row.blob_id], refs) for row in rows]


def _heads(repo: Repo, lines: set[int]) -> list[Ref]:
    """The default branch first, then other branches, pull requests, tags."""
    refs = repo.refs.filter(commit__line__in=lines).select_related("commit").defer("commit__raw")
    return sorted(refs, key=lambda ref: (ref.name != repo.default_branch, ref.kind, ref.name))


def _of(row: RepoBlob, entry: TreeEntry, refs: list[Ref]) -> LargeFile:
    ref = next((ref.full_ref for ref in refs if _is_live(entry, ref)), None)
    return LargeFile(row.blob.sha256, row.blob.size, entry.path, entry.changed_in.committed_at, ref)


def _is_live(entry: TreeEntry, ref: Ref) -> bool:
    head = ref.commit
    if head.line_id != entry.line_id or entry.first_seq > head.seq:
        return False
    return entry.last_seq is None or entry.last_seq > head.seq
