"""One commit written down: its row, its files, the ref that moves to it, and who is told. Inside a transaction."""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog import jobs
from catalog.actions import audit, strangers
from catalog.actions.community import discussion_log
from catalog.actions.facts import metadata
from catalog.actions.history import intervals
from catalog.actions.history.changesets import ChangeSet
from catalog.actions.history.drafts import Draft
from catalog.actions.history.tree_building import NewTree
from catalog.actions.notices import events
from catalog.errors import RevisionNotFound
from catalog.models import Commit, Ref, Repo, RepoBlob, User


def locked_ref(repo: Repo, reference: str) -> Ref:
    """Returns a branch, or the ref of a pull request, that nobody else moves until the transaction ends.

    Raises:
        RevisionNotFound: there is no such ref, or it is a tag.
        NotAllowed: the pull request is finished.
    """
    kind, name = Ref.kind_and_name(reference)
    if kind == Ref.Kind.PULL_REQUEST:
        discussion_log.lock_unfinished(repo, name)  # first: whoever merges takes the locks in this order
    # The row alone: with a join, a writer that waited would find no row at all.
    ref = repo.refs.exclude(kind=Ref.Kind.TAG).select_for_update().filter(kind=kind, name=name).first()
    if ref is None:
        raise RevisionNotFound(_("Invalid rev id: %(reference)s") % {"reference": reference})
    return ref


def record(
    repo: Repo,
    base: Commit | None,
    change_set: ChangeSet,
    tree: NewTree,
    draft: Draft,
    *,
    offered_in: int | None = None,
) -> Commit:
    """Write a commit upon `base`, which need not be the head of anything yet.

    Args:
        offered_in: the number of the pull request it comes by. It leaves the line of what is not its own to others:
            a branch goes on there without a copy of all entries, and nothing of theirs goes when the offer goes.
    """
    leaves = offered_in is not None and base is not None and base.offered_in != offered_in
    line, seq = intervals.place_after(repo, base, on_own_line=leaves)
    commit = row_of(draft, repo)
    commit.offered_in = offered_in
    commit.line, commit.seq = line, seq
    commit.save(force_insert=True)
    intervals.write(commit, change_set, tree)
    uncommitted = RepoBlob.objects.filter(repo=repo, uncommitted_until__isnull=False)
    uncommitted.filter(blob__any_of=change_set.blob_ids).update(uncommitted_until=None)
    return commit


def row_of(draft: Draft, repo: Repo) -> Commit:
    """The commit as a row without its place on a line, not saved."""
    return Commit(
        repo=repo,
        oid=draft.oid,
        tree_oid=draft.tree_oid,
        parents=list(draft.parents),
        author=draft.author,
        author_name=draft.author_name[:255],
        author_email=draft.author_email[:255],
        committed_at=draft.committed_at,
        title=draft.title,
        message=draft.message,
        raw=draft.raw,
        upstream_stated=draft.raw is None,
    )


def finish(repo: Repo, reference: str, commit: Commit, *, actor: User | None) -> None:
    """Move a ref, note who did it, and tell whoever asked to be told."""
    move(repo, reference, commit, actor=actor)
    audit.record(actor, "repo.commit", audit.name_of(repo), branch=reference, commit=commit.oid)


def move(repo: Repo, reference: str, commit: Commit, *, actor: User | None) -> None:
    """Point a branch or pull request at its new head; facts follow in this transaction, the rest by a job.

    Raises:
        QuotaExceeded: a pull request of somebody who may not write to the repo, and too large.
    """
    kind, name = Ref.kind_and_name(reference)
    before = Commit.objects.filter(refs__repo=repo, refs__kind=kind, refs__name=name).values_list("oid", flat=True)
    old = before.first()
    ref, _is_new = repo.refs.update_or_create(kind=kind, name=name, defaults={"commit": commit})
    if kind == Ref.Kind.PULL_REQUEST:
        discussion_log.note_commit(repo, name, commit, actor)
        strangers.check_bytes(repo, actor)
    else:
        keep(commit)
        if name == repo.default_branch:
            metadata.read_facts(repo, commit)
            jobs.index_repo(repo)
    moved = {"ref": ref.full_ref, "old": old, "new": commit.oid}
    events.emit(repo=repo, event="repo.content.update", actor=actor, updated_refs=[moved])


def keep(commit: Commit) -> None:
    """What a branch or tag has named stays readable by its id, also when the pull request it came by is forgotten."""
    if commit.offered_in is not None:
        Commit.objects.filter(line=commit.line_id, seq__lte=commit.seq).update(offered_in=None)


def number_of_offer(reference: str) -> int | None:
    """The number of the pull request whose ref this is; None for others."""
    kind, name = Ref.kind_and_name(reference)
    return int(name) if kind == Ref.Kind.PULL_REQUEST else None
