"""Talking about a repo: open a thread, comment, edit, hide, rename, close and open again.

Who may do so is asked in `access`; here stand the bounds that keep one account from filling a hub with words.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.actions import audit, strangers
from catalog.actions.community import attachments, discussion_log
from catalog.actions.facts import card_html
from catalog.errors import BadInput, NotAllowed, TooLarge, TooManyRequests
from catalog.models import CommentVersion, Discussion, DiscussionEvent, Repo, User

LONGEST_TITLE: Final = 200  # characters
LONGEST_COMMENT_BYTES: Final = 64 * 1024
MOST_OPENED: Final = 30  # an hour, by one account, in repos of others
MOST_COMMENTS: Final = 120
HOUR: Final = timedelta(hours=1)

Kind = DiscussionEvent.Kind


def open_discussion(*, repo: Repo, title: str, text: str, actor: User) -> Discussion:
    """Start a thread; the description is its first comment, or nothing.

    Raises:
        BadInput, TooLarge: a title or text that no thread can have.
        TooManyRequests: this account opened many threads within the hour.
    """
    title = checked_title(title)
    html = rendered_description(repo, text, actor)
    with transaction.atomic():
        discussion = start(Discussion(repo=repo, title=title, author=actor), text=text, html=html, actor=actor)
        discussion_log.tell(discussion, "discussion.create", actor)
    return discussion


def start(discussion: Discussion, *, text: str, html: str, actor: User) -> Discussion:
    """Give a new thread its number and its first comment; inside a transaction.

    Raises:
        TooManyRequests
    """
    _check_pace(actor, discussion.repo, opens=True)
    discussion.num = discussion_log.next_num(discussion.repo)
    discussion.save(force_insert=True)
    if text.strip():
        _say(discussion, text, html, actor)
    return discussion


def comment(*, discussion: Discussion, text: str, actor: User) -> DiscussionEvent:
    """Say something in a thread, closed ones included.

    Raises:
        BadInput, TooLarge, TooManyRequests
    """
    html = _rendered(discussion.repo, text, actor)
    with transaction.atomic():
        discussion = discussion_log.locked(discussion)
        return _add_comment(discussion, text, html, actor)


def edit_comment(*, comment: DiscussionEvent, text: str, actor: User) -> DiscussionEvent:
    """Change what one's own comment says; what it said before stays readable.

    Raises:
        BadInput, TooLarge
        NotAllowed: it is hidden.
    """
    html = _rendered(comment.discussion.repo, text, actor)
    with transaction.atomic():
        discussion = discussion_log.locked(comment.discussion)
        comment = DiscussionEvent.objects.select_related("author").get(pk=comment.pk)
        if comment.is_hidden:
            raise NotAllowed(_("This comment is hidden for good."))
        discussion_log.count_text(discussion, text)
        written_at = comment.edited_at or comment.created_at
        CommentVersion.objects.create(comment=comment, text=comment.text, html=comment.html, written_at=written_at)
        comment.text, comment.html, comment.edited_at = text, html, timezone.now()
        comment.save(update_fields=["text", "html", "edited_at"])
        # what the earlier version shows stays, as that can still be read
        attachments.hold(comment, attachments.shown_by(text, repo=discussion.repo, author=actor))
        discussion_log.tell(discussion, "discussion.comment.update", actor, comment)
    return comment


@transaction.atomic
def hide_comment(*, comment: DiscussionEvent, actor: User) -> DiscussionEvent:
    """Take the words of a comment away for good, earlier versions too."""
    discussion = discussion_log.locked(comment.discussion)
    comment.versions.all().delete()
    attachments.release(comment)
    comment.text, comment.html, comment.is_hidden, comment.edited_at = "", "", True, timezone.now()
    comment.save(update_fields=["text", "html", "is_hidden", "edited_at"])
    discussion_log.tell(discussion, "discussion.comment.update", actor, comment)
    return comment


@transaction.atomic
def rename(*, discussion: Discussion, title: str, actor: User) -> DiscussionEvent:
    """Raises: BadInput."""
    title = checked_title(title)
    discussion = discussion_log.locked(discussion)
    before, discussion.title = discussion.title, title
    discussion.save(update_fields=["title"])
    event = discussion_log.add(discussion, Kind.TITLE, actor, title_before=before, title_after=title)
    discussion_log.tell(discussion, "discussion.update", actor, change="title")
    return event


def change_status(*, discussion: Discussion, status: str, text: str = "", actor: User) -> DiscussionEvent:
    """Close a thread, or open it (again), and perhaps say why.

    Raises:
        BadInput: no status to change to, or it has it already.
        NotAllowed: a merged pull request stays merged, and one whose commits are gone stays closed.
        TooLarge, TooManyRequests: for the words.
    """
    if status not in (Discussion.Status.OPEN, Discussion.Status.CLOSED):
        raise BadInput(_("A discussion is made either open or closed."))
    html = rendered_description(discussion.repo, text, actor)
    with transaction.atomic():
        discussion = discussion_log.locked(discussion)
        if discussion.status == Discussion.Status.MERGED:
            raise NotAllowed(_("This pull request is merged; that is final."))
        if discussion.status == status:
            raise BadInput(_("It is %(status)s already.") % {"status": status})
        _check_commits_are_here(discussion)
        if text.strip():
            _add_comment(discussion, text, html, actor)
        was_closed, discussion.status = discussion.status == Discussion.Status.CLOSED, status
        discussion.save(update_fields=["status"])
        if was_closed and discussion.is_pull_request:
            _check_opened_again(discussion, actor)
        event = discussion_log.add(discussion, Kind.STATUS, actor, status=status)
        discussion_log.tell(discussion, "discussion.update", actor, change="status")
    return event


@transaction.atomic
def switch(*, repo: Repo, disabled: bool, actor: User) -> None:
    """Turn discussions and pull requests off, or on again; what was said stays and is hidden meanwhile."""
    if repo.discussions_disabled != disabled:
        repo.discussions_disabled = disabled
        repo.save(update_fields=["discussions_disabled"])
        audit.record(actor, "repo.settings", audit.name_of(repo), discussions_disabled=disabled)


def checked_title(title: str) -> str:
    """Returns the title as it is kept. Raises `BadInput`."""
    title = " ".join(title.split())
    if not 0 < len(title) <= LONGEST_TITLE:
        raise BadInput(_("A title has between 1 and %(most)d characters.") % {"most": LONGEST_TITLE})
    return title


def rendered_description(repo: Repo, text: str, author: User) -> str:
    """Returns HTML for words that may be missing. Raises `TooLarge`."""
    return _rendered(repo, text, author) if text.strip() else ""


def _add_comment(discussion: Discussion, text: str, html: str, actor: User) -> DiscussionEvent:
    _check_pace(actor, discussion.repo, opens=False)
    event = _say(discussion, text, html, actor)
    discussion_log.tell(discussion, "discussion.comment.create", actor, event)
    return event


def _say(discussion: Discussion, text: str, html: str, actor: User) -> DiscussionEvent:
    discussion_log.count_text(discussion, text)
    event = discussion_log.add(discussion, Kind.COMMENT, actor, text=text, html=html)
    attachments.hold(event, attachments.shown_by(text, repo=discussion.repo, author=actor))
    return event


def _check_commits_are_here(discussion: Discussion) -> None:
    """Raises `NotAllowed`."""
    if discussion.commits_dropped_at is not None:
        raise NotAllowed(
            _(
                "This pull request cannot be opened again: it had been closed for long, so its commits were deleted "
                "on %(date)s. Open a new one to offer them again."
            )
            % {"date": f"{discussion.commits_dropped_at:%Y-%m-%d}"}
        )


def _check_opened_again(discussion: Discussion, actor: User) -> None:
    """What strangers open again counts again. Raises `NotAllowed`, `TooManyRequests`, `QuotaExceeded`."""
    Repo.objects.select_for_update(no_key=True).get(pk=discussion.repo_id)
    strangers.check_open(discussion.repo, actor)
    strangers.check_bytes(discussion.repo, actor)


def _rendered(repo: Repo, text: str, author: User) -> str:
    """Slow, since a child process does it (card_html): call it before the transaction."""
    if not text.strip():
        raise BadInput(_("A comment needs words."))
    if len(text.encode(errors="replace")) > LONGEST_COMMENT_BYTES:
        raise TooLarge(_("A comment may have at most %(most)d KiB.") % {"most": LONGEST_COMMENT_BYTES // 1024})
    shown = [one.path for one in attachments.shown_by(text, repo=repo, author=author)]
    return card_html.render_text(repo, attachments.with_audio_as_links(text) if shown else text, attachments=shown)


def _check_pace(actor: User, repo: Repo, *, opens: bool) -> None:
    """Whoever owns a repo may write there as fast as they like, others within reason. Raises `TooManyRequests`."""
    if actor.administers or actor.namespace_id == repo.namespace_id:
        return
    since = timezone.now() - HOUR
    if opens:
        opened = Discussion.objects.filter(author=actor, created_at__gt=since)
        is_fast = opened.exclude(repo__namespace=actor.namespace_id).count() >= MOST_OPENED
    else:
        events = DiscussionEvent.objects.filter(author=actor, created_at__gt=since, kind=Kind.COMMENT)
        is_fast = events.exclude(discussion__repo__namespace=actor.namespace_id).count() >= MOST_COMMENTS
    if is_fast:
        raise TooManyRequests(_("You wrote a lot within the hour; take a break."), retry_after_seconds=600)
