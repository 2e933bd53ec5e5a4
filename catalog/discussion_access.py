"""Who may talk about a repo and offer changes to it; rests on `access`, as all doors do.

Whoever reads a repo may discuss it and open pull requests, unless its owner turned that off. Their author and whoever
writes to the repo may change them; only the latter may merge.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from catalog import access, actors
from catalog.actors import Actor
from catalog.errors import MirrorIsReadOnly, NotAllowed, NotFound
from catalog.models import Attachment, Discussion, DiscussionEvent, Ref, Repo, User

HIGHEST_NUM: Final = 2**31 - 1


def repo_with_discussions(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Returns a repo whose discussions this actor may read.

    Raises:
        RepoNotFound
        NotAllowed: its owner turned discussions off.
    """
    repo = access.repo_to_read(actor, kind, owner, name, follow=follow)
    _check_on(repo)
    return repo


def repo_to_discuss(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Returns a repo this actor may open a discussion about.

    Raises:
        RepoNotFound, NotSignedIn
        NotAllowed: a read token, or discussions are off.
    """
    repo = repo_with_discussions(actor, kind, owner, name, follow=follow)
    access.acting_on(actor, repo)
    return repo


def repo_to_propose_to(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Returns a repo this actor may open a pull request in: one whose files they may read.

    Raises:
        RepoNotFound, NotSignedIn, NotAllowed, GatedRepo
        MirrorIsReadOnly: its content comes from another hub.
    """
    repo = repo_to_discuss(actor, kind, owner, name, follow=follow)
    access.check_files(actor, repo)
    if repo.is_mirror:
        raise MirrorIsReadOnly
    return repo


def repo_to_commit_to(actor: Actor, kind: str, owner: str, name: str, revision: str) -> Repo:
    """Returns a repo this actor may commit to at this revision: writers anywhere, others to their own pull request.

    Raises:
        RepoNotFound, NotSignedIn, NotAllowed, GatedRepo, MirrorIsReadOnly
    """
    ref_kind, num = Ref.kind_and_name(revision)
    if ref_kind == Ref.Kind.PULL_REQUEST:
        repo = access.repo_to_read(actor, kind, owner, name)
        if _is_of(actors.writer(actor), repo, num):
            return repo_to_propose_to(actor, kind, owner, name)
    return access.repo_to_write(actor, kind, owner, name)


def repo_to_upload_to(actor: Actor, kind: str, owner: str, name: str, *, follow: bool = False) -> Repo:
    """Returns a repo this actor may send bytes to, to commit them there or to a pull request.

    Raises:
        RepoNotFound, NotSignedIn, NotAllowed, GatedRepo, MirrorIsReadOnly
    """
    repo = access.repo_to_read(actor, kind, owner, name, follow=follow)
    user = actors.writer(actor)
    if access.can_write_to(user, repo) or repo.discussions_disabled:
        return access.repo_to_write(actor, kind, owner, name, follow=follow)
    return repo_to_propose_to(actor, kind, owner, name, follow=follow)


def may_still_upload(user: User, repo: Repo) -> bool:
    """Whether an upload that was allowed earlier may go on."""
    if access.can_write_to(user, repo):
        return True
    readable = Repo.objects.visible_to(user).filter(pk=repo.pk, discussions_disabled=False)
    return readable.exists() and access.has_files(Actor(user=user), repo)


def discussion_to_read(actor: Actor, repo: Repo, num: int) -> Discussion:
    """Returns a discussion (author, base selected) of a repo that came through a door. Raises `NotFound`."""
    found = None
    if 0 < num <= HIGHEST_NUM:
        found = repo.discussions.select_related("author", "base").filter(num=num).first()
    if found is None:
        raise NotFound(_("There is no discussion #%(num)d.") % {"num": num})
    found.repo = repo
    return found


def discussion_to_change(actor: Actor, repo: Repo, num: int) -> Discussion:
    """Returns a discussion that this actor may rename, close or open again. Raises `NotFound`, `NotAllowed`."""
    found = discussion_to_read(actor, repo, num)
    if not may_change(actor, found):
        raise NotAllowed(_("Only its author and whoever may write to the repo can do this."))
    return found


def discussion_to_merge(actor: Actor, repo: Repo, num: int) -> Discussion:
    """Returns a pull request that this actor may merge. Raises `NotFound`, `NotAllowed`, `MirrorIsReadOnly`."""
    found = discussion_to_read(actor, repo, num)
    if not access.can_write_to(actors.writer(actor), repo):
        raise NotAllowed(_("Only whoever may write to the repo can merge."))
    if repo.is_mirror:
        raise MirrorIsReadOnly
    return found


def comment_to_edit(actor: Actor, repo: Repo, num: int, comment_id: str) -> DiscussionEvent:
    """Returns one's own comment: nobody puts words into somebody else's mouth. Raises `NotFound`, `NotAllowed`."""
    comment = _comment(actor, repo, num, comment_id)
    if comment.author_id != actors.writer(actor).pk:
        raise NotAllowed(_("Only its author can edit a comment."))
    return comment


def comment_to_hide(actor: Actor, repo: Repo, num: int, comment_id: str) -> DiscussionEvent:
    """Returns a comment that is one's own, or stands in a repo one may write to. Raises `NotFound`, `NotAllowed`."""
    comment = _comment(actor, repo, num, comment_id)
    user = actors.writer(actor)
    if comment.author_id != user.pk and not access.can_write_to(user, repo):
        raise NotAllowed(_("Only its author and whoever may write to the repo can hide a comment."))
    return comment


def attachment_to_read(actor: Actor, public_id: str) -> tuple[Attachment, bool]:
    """Returns an attachment (blob selected), and whether everybody may read a comment that shows it.

    Its sender has it always, others through a comment in a repo they may read and talk about.

    Raises:
        NotFound: absent, or not theirs to know of.
    """
    found = Attachment.objects.select_related("blob").filter(public_id=public_id).first()
    if found is not None:
        if _shown_to(None, found):
            return found, True
        if actor.user is not None and (found.user_id == actor.user.pk or _shown_to(actor.user, found)):
            return found, False
    raise NotFound(_("There is no such attachment."))


def _shown_to(user: User | None, attachment: Attachment) -> bool:
    repos = Repo.objects.visible_to(user).filter(discussions_disabled=False)
    return attachment.uses.filter(comment__discussion__repo__in=repos).exists()


def may_change(actor: Actor, discussion: Discussion) -> bool:
    if actor.user is None or not actor.may_write:
        return False
    return discussion.author_id == actor.user.pk or access.can_write_to(actor.user, discussion.repo)


def _comment(actor: Actor, repo: Repo, num: int, comment_id: str) -> DiscussionEvent:
    discussion = discussion_to_read(actor, repo, num)
    comments = discussion.events.select_related("author").filter(kind=DiscussionEvent.Kind.COMMENT)
    found = comments.filter(public_id=comment_id.lower()).first()
    if found is None:
        raise NotFound(_("There is no such comment."))
    found.discussion = discussion
    return found


def _check_on(repo: Repo) -> None:
    if repo.discussions_disabled:
        raise NotAllowed(_("Discussions are disabled for this repo."))


def _is_of(user: User, repo: Repo, num: str) -> bool:
    if not (num.isascii() and num.isdigit() and len(num) < 10):
        return False
    return repo.discussions.filter(num=int(num), is_pull_request=True, author=user).exists()
