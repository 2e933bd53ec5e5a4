"""Whether a score still speaks of what a model is now: its weights, config and tokenizer, not its README."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from catalog.models import Commit, Repo
from evaluation import signing
from evaluation.models import HeadFiles, Run, Score
from evaluation.queries.snapshots import Snapshot, snapshot_of


def files_digest(snapshot: Snapshot) -> str:
    """SHA-256 over the names and digests of all files a node gets."""
    files = {file.path: file.sha256 for file in snapshot.files}
    return hashlib.sha256(signing.canonical(files).encode()).hexdigest()


def stale_of_repo(repo: Repo, runs: Iterable[Run]) -> set[int]:
    """Ids of those of its runs that are stale by the head of the default branch, read now where one is of before."""
    commit: Commit | None = getattr(getattr(repo, "facts", None), "commit", None)
    older = [run for run in runs if commit is not None and run.commit_oid != commit.oid]
    head = files_digest(snapshot_of(commit)) if commit is not None and older else ""
    return {run.pk for run in older if _is_stale(run, head)}


def stale_of_board(scores: Iterable[Score]) -> set[int]:
    """Ids of the runs that are stale by the heads noted last, a few seconds ago; one query for many repos."""
    rows = list(scores)
    noted = HeadFiles.objects.filter(repo_id__in={score.repo_id for score in rows})
    heads = dict(noted.values_list("repo_id", "files_digest"))
    return {score.run_id for score in rows if _is_stale(score.run, heads.get(score.repo_id, ""))}


def _is_stale(run: Run, head: str) -> bool:
    """Whether the files changed since; a run of before digests were kept is not called stale."""
    return bool(run.files_digest and head) and run.files_digest != head
