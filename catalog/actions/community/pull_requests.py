"""Pull requests: commits offered to a branch, on a ref of their own, `refs/pr/N`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.actions import strangers
from catalog.actions.community import discussion_log, discussions
from catalog.actions.history import commits
from catalog.actions.history.drafts import Words
from catalog.errors import RevisionNotFound
from catalog.models import Commit, Discussion, Ref, Repo, User
from catalog.queries import trees
from catalog.types import FileChange


@dataclass(frozen=True)
class Proposal:
    """What a pull request is opened with: its words, where it wants to go and what it is built upon."""

    title: str
    text: str = ""
    branch: str | None = None  # None: the default branch
    parent: str | None = None  # a commit id; None: the head of the branch


def open_pull_request(*, repo: Repo, proposal: Proposal, actor: User, status: str = "draft") -> Discussion:
    """Open a pull request without commits; `refs/pr/N` exists from now on.

    Raises:
        RevisionNotFound: no such branch, or the parent is no commit of this repo.
        BadInput, TooLarge, TooManyRequests
    """
    title = discussions.checked_title(proposal.title)
    html = discussions.rendered_description(repo, proposal.text, actor)
    with transaction.atomic():
        return _open(Discussion(repo=repo, title=title, status=status, author=actor), proposal, html)


def propose_changes(
    *, repo: Repo, proposal: Proposal, changes: Sequence[FileChange], actor: User
) -> tuple[Discussion, Commit]:
    """Open a pull request with one commit, ready to be merged.

    Raises:
        what `open_pull_request` and `commits.commit_files` raise; then nothing was opened.
    """
    words = Words.of(proposal.title, proposal.text)
    html = discussions.rendered_description(repo, proposal.text, actor)
    with transaction.atomic():
        title = words.title[: discussions.LONGEST_TITLE]
        discussion = _open(Discussion(repo=repo, title=title, author=actor), proposal, html)
        commit = commits.commit_files(
            repo=repo,
            branch=discussion.git_ref,
            changes=changes,
            title=words.title,
            description=words.description,
            actor=actor,
        )
    return discussion, commit


def _open(discussion: Discussion, proposal: Proposal, html: str) -> Discussion:
    repo, actor = discussion.repo, discussion.author
    assert actor is not None  # it is only now being opened
    branch = (proposal.branch or repo.default_branch).removeprefix("refs/heads/")
    discussion_log.hold(repo)  # before the commit is looked up: it may be about to go with a closed pull request
    base = _base(repo, branch, proposal.parent)
    discussion.is_pull_request, discussion.target_branch, discussion.base = True, branch, base
    discussions.start(discussion, text=proposal.text, html=html, actor=actor)
    strangers.check_open(repo, actor)  # its row is held
    Ref.objects.create(repo=repo, kind=Ref.Kind.PULL_REQUEST, name=str(discussion.num), commit=base)
    discussion_log.tell(discussion, "discussion.create", actor)
    return discussion


def _base(repo: Repo, branch: str, parent: str | None) -> Commit:
    head = repo.refs.branches().select_related("commit").filter(name=branch).first()
    if head is None:
        raise RevisionNotFound(_("Invalid rev id: %(branch)s") % {"branch": branch})
    if parent is None or head.commit.oid.startswith(parent.lower()):
        return head.commit
    return trees.commit_named(repo, parent)
