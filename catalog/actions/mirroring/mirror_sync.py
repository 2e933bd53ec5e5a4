"""The work of one sync run: plan → fetch → verify → one commit under the upstream's id.

It runs for minutes or hours, so it holds a lease instead of a transaction; bytes come before rows,
and a run that dies goes on with the partial files it left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import repos
from catalog.actions.history import commits
from catalog.actions.incoming import uploads
from catalog.actions.mirroring import sync_leases
from catalog.actions.mirroring.mirrors import allow_list
from catalog.errors import (
    BadInput,
    Busy,
    CatalogError,
    HashMismatch,
    LeaseLost,
    StorageFull,
    UpstreamRefused,
    UpstreamUnavailable,
)
from catalog.models import Blob, Mirror, Repo, SyncRun, TreeEntry, User
from catalog.parsing.paths import check_mirrored_path
from catalog.queries import trees
from catalog.sealing import unseal
from catalog.types import AddFile, DeleteFile, FileChange
from catalog.upstream import Snapshot, Source, UpstreamClient, UpstreamFile, open_source
from catalog.upstream.download import PIECE, PartialFile, sweep_partials

TURN_SECONDS = 15 * 60.0
PARTIALS_KEPT_SECONDS = 7 * 86_400
RENEW_SECONDS = 3.0  # how often progress and lease are written
PLAN_LISTED = 500  # files the job page shows one by one


class TurnOver(Exception):
    """Not an error: others wait, or the worker is asked to stop. What was fetched stays."""


class Turn:
    """How long one sync may keep its place: many large mirrors share few places, so they take turns."""

    def __init__(self, *, seconds: float = TURN_SECONDS, stopping: Event | None = None) -> None:
        self._ends = time.monotonic() + seconds
        self._stopping = stopping or Event()

    @property
    def is_over(self) -> bool:
        return self._stopping.is_set() or time.monotonic() >= self._ends


def sync(run_id: int, *, turn: Turn | None = None) -> None:
    """Do the work of this run, unless it is over or somebody else's.

    It ends in a state that says why, or queued again when its turn was over first.
    """
    run = sync_leases.claim(run_id)
    if run is not None:
        with suppress(LeaseLost):  # somebody else has it by now, and writes how it ends
            _work(run, turn or Turn())


def _work(run: SyncRun, turn: Turn) -> None:
    try:
        with closing(client_of(run.mirror)) as client:
            SyncJob(run, source_of(run.mirror, client), turn).work()
    except LeaseLost:
        raise
    except TurnOver:
        sync_leases.hand_back(run, bytes_done=run.bytes_done, bytes_fetched=run.bytes_fetched)
    except (UpstreamUnavailable, StorageFull, Busy) as problem:
        retry_after = problem.facts.get("retry_after_seconds")
        seconds = retry_after if isinstance(retry_after, float) else None
        sync_leases.pause(run, code=problem.code, reason=problem.message, retry_after_seconds=seconds)
    except CatalogError as problem:
        _note_gone(run.mirror, problem)
        sync_leases.fail(run, code=problem.code, reason=problem.message)
    except Exception:
        # The edge of a job: without this the lease would expire and the same fault repeat.
        sync_leases.fail(run, code="internal", reason=str(_("An internal error; the operator's log has the details.")))
        raise


class SyncJob:
    """One run being worked on."""

    def __init__(self, run: SyncRun, source: Source, turn: Turn) -> None:
        self.run, self.source, self.turn = run, source, turn
        self.mirror: Mirror = run.mirror
        self.repo: Repo = run.mirror.repo
        self.owner = _owner(run.mirror)
        self._renewed = time.monotonic()

    def work(self) -> None:
        oid = self.source.head()
        if oid == self.mirror.upstream_oid:
            self._done(oid)
            return
        snapshot = self.source.snapshot(oid)
        held = self._held_entries()
        missing = self._plan(snapshot, held)
        fetched = {file.path: self._fetch(file) for file in missing}
        self._publish(snapshot, held, fetched)
        self._done(oid)

    def _held_entries(self) -> dict[str, TreeEntry]:
        head = trees.head_of(self.repo)
        return {entry.path: entry for entry in trees.entries_in(head).files()} if head else {}

    def _plan(self, snapshot: Snapshot, held: dict[str, TreeEntry]) -> list[UpstreamFile]:
        """Record what there is to do; returns the files whose bytes are not here yet."""
        for file in snapshot.files:
            check_mirrored_path(file.path)
        known = {entry.etag for entry in held.values()}
        missing = [file for file in snapshot.files if not file.identity or file.identity not in known]
        waiting = {file.path for file in missing}
        plan = [
            {"path": f.path, "size": f.size, "state": "waiting" if f.path in waiting else "here"}
            for f in (*missing, *(f for f in snapshot.files if f.path not in waiting))
        ]
        sync_leases.renew(
            self.run,
            plan=plan[:PLAN_LISTED],
            files_total=len(snapshot.files),
            files_done=len(snapshot.files) - len(missing),
            bytes_total=snapshot.total_bytes,
            bytes_done=snapshot.total_bytes - sum(file.size for file in missing),
            upstream_oid=snapshot.commit.oid,
        )
        return missing

    def _fetch(self, file: UpstreamFile) -> Blob:
        """Returns the blob of one file, downloaded (further) and verified."""
        self._mark(file, "fetching")
        # By mirror: bytes that another mirror's token brought are none of this one's.
        key = f"{self.mirror.pk}\n{self.mirror.endpoint}\n{file.url}\n{file.identity}"
        partial = PartialFile(_partial_folder(), key)
        with closing(partial):
            self._complete(file, partial)
        try:
            blob = self._store(file, partial.path)
        except HashMismatch:
            partial.drop()  # keeping wrong bytes would repeat the mistake
            raise HashMismatch(
                _("the bytes of %(path)s do not have the hash the other hub states") % {"path": file.path}
            ) from None
        partial.drop()
        self.run.files_done += 1
        self._mark(file, "done")
        return blob

    def _complete(self, file: UpstreamFile, partial: PartialFile) -> None:
        """Read until the file is whole; a broken transfer goes on at once as long as each try brings something."""
        before = self.run.bytes_done
        while True:
            had = partial.size
            self.run.bytes_done = before + had
            try:
                for arrived in self.source.read(file, partial=partial):
                    self.run.bytes_done = before + partial.size
                    self.run.bytes_fetched += arrived
                    self._heartbeat()
                    if self.turn.is_over:
                        raise TurnOver
            except UpstreamUnavailable:
                if partial.size <= had:
                    raise
            else:
                return

    def _store(self, file: UpstreamFile, path: Path) -> Blob:
        blob = uploads.store_bytes(
            repo=self.repo, actor=self.owner, chunks=self._pieces(path), sha256=file.sha256, size=file.size
        )
        if file.git_sha1 and not file.is_lfs and blob.git_sha1 != file.git_sha1:
            raise HashMismatch
        return blob

    def _pieces(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                self._heartbeat()
                yield piece

    def _publish(self, snapshot: Snapshot, held: dict[str, TreeEntry], fetched: dict[str, Blob]) -> None:
        by_identity = {entry.etag: entry.blob for entry in held.values()}
        changes: list[FileChange] = []
        for file in snapshot.files:
            blob = fetched.get(file.path) or by_identity[file.identity]
            if blob is None:
                raise BadInput(_("%(path)s has no content") % {"path": file.path})
            changes.append(AddFile(file.path, blob.sha256, blob.size, as_lfs=file.is_lfs, mode=file.mode))
        kept = {file.path for file in snapshot.files}
        changes.extend(DeleteFile(path) for path in held if path not in kept)
        sync_leases.renew(self.run)
        commits.record_upstream_commit(
            repo=self.repo, branch=self.repo.default_branch, changes=changes, upstream=snapshot.commit
        )
        Mirror.objects.filter(pk=self.mirror.pk).update(
            upstream_oid=snapshot.commit.oid, licence_evidence=list(snapshot.licence_evidence)
        )
        self._set_visibility(snapshot)

    def _set_visibility(self, snapshot: Snapshot) -> None:
        """Never wider here than there (security 12); the first sync opens what its owner wants open."""
        if snapshot.is_private or snapshot.is_gated:
            wanted: str = Repo.Visibility.PRIVATE
        elif not self.mirror.upstream_oid:
            wanted = self.mirror.wanted_visibility
        else:
            return
        if self.repo.visibility != wanted:
            repos.change_settings(repo=self.repo, visibility=wanted, actor=self.owner)

    def _done(self, oid: str) -> None:
        Mirror.objects.filter(pk=self.mirror.pk).update(checked_at=timezone.now(), upstream_state="present")
        sync_leases.finish(self.run, upstream_oid=oid, **self._counters())

    def _mark(self, file: UpstreamFile, state: str) -> None:
        for row in self.run.plan:
            if row["path"] == file.path:
                row["state"] = state
                break
        self._heartbeat()

    def _heartbeat(self) -> None:
        if time.monotonic() - self._renewed >= RENEW_SECONDS:
            self._renewed = time.monotonic()
            sync_leases.renew(self.run, **self._counters())

    def _counters(self) -> dict[str, object]:
        run = self.run
        return {
            "bytes_done": run.bytes_done,
            "bytes_fetched": run.bytes_fetched,
            "files_done": run.files_done,
            "plan": run.plan,
        }


def clear_partials() -> int:
    """Remove what syncs fetched in part and nobody went on with for a week; returns how many files."""
    return sweep_partials(_partial_folder(), older_than_seconds=PARTIALS_KEPT_SECONDS)


def _partial_folder() -> Path:
    return Path(settings.DATA_DIR) / "partial"


def client_of(mirror: Mirror) -> UpstreamClient:
    token = unseal(mirror.token_sealed) if mirror.token_sealed else None
    if mirror.token_sealed and token is None:
        raise UpstreamRefused(_("the stored token cannot be read any more; enter it again"))
    return UpstreamClient(allowed=allow_list(), token=token, extra_ca=settings.EXTRA_CA_FILE)


def _owner(mirror: Mirror) -> User:
    """On whose account the bytes come in."""
    if mirror.created_by is None or not mirror.created_by.is_active:
        raise BadInput(_("The account that set up this mirror is no longer active; set it up again from yours."))
    return mirror.created_by


def source_of(mirror: Mirror, client: UpstreamClient) -> Source:
    return open_source(
        source=mirror.source, client=client, endpoint=mirror.endpoint, kind=mirror.repo.kind,
        name=mirror.upstream_name, revision=mirror.revision,
    )  # fmt: skip


def _note_gone(mirror: Mirror, problem: CatalogError) -> None:
    if problem.facts.get("upstream_code") in ("RepoNotFound", "RevisionNotFound"):
        Mirror.objects.filter(pk=mirror.pk).update(upstream_state="gone", checked_at=timezone.now())
