"""A branch's history made one commit. What it was before stays readable by tags, other branches and commit ids."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions.history import drafts, intervals, recording
from catalog.actions.history.drafts import Words
from catalog.errors import InvalidReference, RevisionNotFound
from catalog.models import Commit, Line, Ref, Repo, User


@transaction.atomic
def squash_history(*, repo: Repo, branch: str, message: str = "", actor: User) -> Commit:
    """Give a branch, or a pull request, one commit without parents that holds the files of its head.

    Pull requests that were opened before can still be merged: they remember what they began with.

    Raises:
        RevisionNotFound: no such branch.
        InvalidReference: it is a tag, whose commit is fixed.
        NotAllowed: the pull request is finished.
    """
    head = Commit.objects.get(pk=_locked(repo, branch).commit_id)
    title, _rest, description = message.strip().partition("\n")
    words = Words.of(title or f"Super-squash branch '{branch}'", description)
    draft = drafts.of_ours(None, head.tree_oid, words, actor)
    commit = repo.commits.filter(oid=draft.oid).first() or _record(repo, head, draft, recording.number_of_offer(branch))
    recording.finish(repo, branch, commit, actor=actor)
    return commit


def _locked(repo: Repo, branch: str) -> Ref:
    try:
        return recording.locked_ref(repo, branch)
    except RevisionNotFound:
        kind, name = Ref.kind_and_name(branch)
        if kind == Ref.Kind.TAG or repo.refs.tags().filter(name=name).exists():
            raise InvalidReference(_("Invalid reference for a branch: %(name)s is a tag.") % {"name": name}) from None
        raise


def _record(repo: Repo, head: Commit, draft: drafts.Draft, offered_in: int | None) -> Commit:
    commit = recording.row_of(draft, repo)
    commit.line, commit.seq = Line.objects.create(repo=repo, tip_seq=1), 1
    commit.offered_in = offered_in
    commit.save(force_insert=True)
    intervals.copy_all(head, commit)
    return commit
