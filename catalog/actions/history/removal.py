"""Large files deleted for good: out of the whole history, or so that only their pointers stay in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit
from catalog.actions.facts import metadata
from catalog.actions.history import freezing, history_rewriting
from catalog.actions.notices import events
from catalog.actions.upkeep import garbage
from catalog.errors import EntryNotFound, MirrorIsReadOnly
from catalog.models import Blob, RemovedFile, Repo, RepoBlob, TreeEntry, User
from catalog.parsing import git_objects
from catalog.queries import trees

MOST_FILES: Final = 1000  # in one request, as clients send them
MOST_NAMED: Final = 20  # in a message


@transaction.atomic
def remove_files(*, repo: Repo, sha256s: Iterable[str], rewrite_history: bool, actor: User) -> dict[str, str]:
    """Delete large files from a repo, at every commit; their bytes are collected unless another repo holds them.

    Returns new commit ids by the old ones. Without rewriting nothing is renamed: pointers stay, and whoever asks for
    the content is told that it is gone. Sending the same bytes again brings it back.

    Raises:
        EntryNotFound: the repo has no such large file; nothing was deleted.
        MirrorIsReadOnly
        TooLarge, NotAllowed: the history cannot be rewritten; nothing was deleted.
    """
    if repo.is_mirror:
        raise MirrorIsReadOnly
    wanted = set(sha256s)
    _lock(repo, wanted)
    sizes = _sizes(repo, wanted)
    pointers = {_pointer_oid(sha256, size): sha256 for sha256, size in sizes.items()}
    _refuse_unknown(repo, wanted, pointers)
    heads = dict(repo.refs.values_list("pk", "commit__oid"))
    renamed: dict[str, str] = {}
    if rewrite_history:
        renamed = history_rewriting.take_out(repo, pointers)
        RemovedFile.objects.filter(repo=repo, sha256__in=wanted).delete()
    else:
        _leave_pointers(repo, pointers, sizes, actor)
    _release(repo, wanted)
    _tell(repo, wanted, heads, renamed, actor)
    return renamed


def _lock(repo: Repo, sha256s: set[str]) -> None:
    freezing.freeze(repo)
    held = RepoBlob.objects.select_for_update(of=("self",)).filter(repo=repo, blob__sha256__in=sha256s)
    list(held.order_by("pk").values_list("pk", flat=True))


def _sizes(repo: Repo, sha256s: set[str]) -> dict[str, int]:
    """Of the repo's own, those among them that were deleted before, too; nothing is told of others'."""
    held = Blob.objects.filter(repo_blobs__repo=repo, sha256__in=sha256s)
    removed = RemovedFile.objects.filter(repo=repo, sha256__in=sha256s)
    return dict(removed.values_list("sha256", "size")) | dict(held.values_list("sha256", "size"))


def _refuse_unknown(repo: Repo, wanted: set[str], pointers: dict[str, str]) -> None:
    named = TreeEntry.objects.filter(line__repo=repo, is_lfs=True, oid__in=list(pointers))
    known = {pointers[oid] for oid in named.values_list("oid", flat=True).distinct()}
    unknown = sorted(wanted - known)
    if unknown:
        raise EntryNotFound(
            _("This repo has no such large files: %(files)s") % {"files": ", ".join(unknown[:MOST_NAMED])}
        )


def _leave_pointers(repo: Repo, pointers: dict[str, str], sizes: dict[str, int], actor: User) -> None:
    rows = [
        RemovedFile(repo=repo, sha256=sha256, size=sizes[sha256], pointer_oid=oid, actor=actor)
        for oid, sha256 in pointers.items()
    ]
    RemovedFile.objects.bulk_create(rows, ignore_conflicts=True)
    TreeEntry.objects.filter(line__repo=repo, is_lfs=True, oid__in=list(pointers)).update(blob=None)


def _release(repo: Repo, sha256s: set[str]) -> None:
    """End the repo's right to these bytes at once, save what a plain file of the same content needs."""
    named = TreeEntry.objects.filter(line__repo=repo, blob=OuterRef("blob"))
    RepoBlob.objects.filter(~Exists(named), Q(blob__sha256__in=sha256s), repo=repo).delete()
    garbage.release_unreferenced(repo)


def _tell(repo: Repo, sha256s: set[str], heads: dict[int, str], renamed: dict[str, str], actor: User) -> None:
    head = trees.head_of(repo)
    if head is not None:
        metadata.read_facts(repo, head)
        jobs.index_repo(repo)
    moved = [
        {"ref": ref.full_ref, "old": heads[ref.pk], "new": renamed[heads[ref.pk]]}
        for ref in repo.refs.order_by("kind", "name")
        if heads[ref.pk] in renamed
    ]
    events.emit(repo=repo, event="repo.content.update", actor=actor, updated_refs=moved)
    details = {"files": sorted(sha256s), "rewritten_commits": len(renamed)}
    audit.record(actor, "repo.remove_files", audit.name_of(repo), **details)


def _pointer_oid(sha256: str, size: int) -> str:
    return git_objects.object_id("blob", git_objects.pointer_text(sha256, size))
