"""What a pull request offers, worked out for whoever looks at it: its commits, changed files, conflicts, a patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from catalog.actions.community import merging
from catalog.models import Commit, Discussion, TreeEntry
from catalog.parsing import unified
from catalog.parsing.git_objects import pointer_text
from catalog.parsing.unified import Side
from catalog.queries import differences
from catalog.queries.changes import Change
from catalog.stores import blob_store

MOST_FILES: Final = 300  # in one patch
MOST_PATCH_BYTES: Final = 1024**2
MOST_COMPARED_BYTES: Final = 2 * 1024**2  # of all files in one patch; the most hostile ones take 3 s
MOST_COMMITS: Final = 250


@dataclass(frozen=True)
class Offer:
    """What lies between a pull request and its branch; `target` is None when the branch is gone."""

    base: Commit | None
    source: Commit
    target: Commit | None
    conflicts: tuple[str, ...]
    changed: tuple[str, ...]  # paths

    @property
    def is_mergeable(self) -> bool:
        return self.target is not None and not self.conflicts


def offer_of(discussion: Discussion) -> Offer | None:
    """Returns what a pull request offers now; a finished one has no conflicts.

    None: it is a discussion without commits, or was closed so long ago that they are gone.
    """
    if not discussion.is_pull_request or discussion.commits_dropped_at is not None:
        return None
    repo = discussion.repo
    source = repo.refs.pull_requests().select_related("commit").get(name=str(discussion.num)).commit
    ref = repo.refs.branches().select_related("commit").filter(name=discussion.target_branch).first()
    target = ref.commit if ref else None
    base = merging.base_of(discussion, target, source)
    changed = tuple(differences.difference(base, source)) if base is not None else ()
    conflicts: tuple[str, ...] = ()
    if discussion.is_unfinished and target is not None and changed:
        conflicts = merging.plan(discussion, target, source).conflicts
    return Offer(base, source, target, conflicts, changed)


def changes_of(offer: Offer, *, limit: int) -> list[Change]:
    """Returns at most `limit` changed files, contents selected."""
    if offer.base is None:
        return []
    return differences.changes_between(offer.base, offer.source, offer.changed[:limit])


def commits_of(offer: Offer) -> list[Commit]:
    """Returns its commits, newest first."""
    return differences.commits_between(offer.base, offer.source, limit=MOST_COMMITS)


def patch_of(offer: Offer) -> str:
    """Returns what `git diff` says, as far as `MOST_PATCH_BYTES`; a last line tells how much is left out."""
    parts: list[str] = []
    size = compared = 0
    for change in changes_of(offer, limit=MOST_FILES):
        compared += change.comparable_bytes
        if compared > MOST_COMPARED_BYTES:
            break
        part = unified.patch(change.path, _side(change.before), _side(change.after))
        size += len(part.encode(errors="replace"))
        if size > MOST_PATCH_BYTES:
            break
        parts.append(part)
    left_out = len(offer.changed) - len(parts)
    return "".join(parts) + (f"# {left_out} more files differ\n" if left_out else "")


def _side(entry: TreeEntry | None) -> Side | None:
    return None if entry is None else Side(entry.mode, entry.oid, text_of(entry))


def text_of(entry: TreeEntry) -> str | None:
    """The file as git has it, a pointer for LFS files; None when it is large or no text."""
    if entry.blob is None:
        return None
    if entry.is_lfs:
        return pointer_text(entry.blob.sha256, entry.size).decode()
    if entry.size > unified.LONGEST_COMPARED_BYTES:
        return None
    return unified.comparable(blob_store().read_range(entry.blob.sha256, 0, entry.size) if entry.size else b"")
