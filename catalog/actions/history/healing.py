"""A large file that was deleted for good comes back when somebody sends the same bytes again."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.models import Blob, RemovedFile, Repo, RepoBlob, TreeEntry


def heal(repo: Repo, blobs: Iterable[Blob]) -> None:
    """Give the pointers in the history their content again; call it once the repo is entitled to these blobs."""
    by_sha256 = {blob.sha256: blob for blob in blobs}
    for removed in RemovedFile.objects.select_for_update().filter(repo=repo, sha256__any_of=by_sha256).order_by("pk"):
        blob = by_sha256[removed.sha256]
        pointers = TreeEntry.objects.files().filter(line__repo=repo, is_lfs=True, blob=None, oid=removed.pointer_oid)
        if pointers.update(blob=blob):
            RepoBlob.objects.filter(repo=repo, blob=blob).update(uncommitted_until=None)
        removed.delete()
