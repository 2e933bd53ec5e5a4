"""What happens in a discussion, written down in the transaction in which it happens, and told to webhooks."""

from __future__ import annotations

from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from catalog.actions.notices import events
from catalog.errors import NotAllowed, NotFound, RevisionNotFound, TooLarge
from catalog.models import Commit, Discussion, DiscussionEvent, Repo, User

MOST_EVENTS = 5000  # in one discussion
MOST_TEXT_BYTES = 4 * 1024**2  # in one discussion, earlier versions of comments included


def locked(discussion: Discussion) -> Discussion:
    """Returns the discussion as it is now, with its row held until the transaction ends.

    Raises:
        NotFound: it went away with its repo.
    """
    found = Discussion.objects.select_for_update(no_key=True).filter(pk=discussion.pk).first()
    if found is None:
        raise NotFound
    found.repo, found.author = discussion.repo, discussion.author  # both never change, and are selected there
    return found


def lock_unfinished(repo: Repo, num: str) -> Discussion:
    """Returns a pull request that may still get commits, its row held.

    Raises:
        RevisionNotFound: no such pull request.
        NotAllowed: it is merged or closed.
    """
    rows = repo.discussions.select_for_update(no_key=True).filter(is_pull_request=True)
    found = rows.filter(num=int(num)).first() if num.isascii() and num.isdigit() and len(num) < 10 else None
    if found is None:
        raise RevisionNotFound(_("Invalid rev id: refs/pr/%(num)s") % {"num": num})
    if not found.is_unfinished:
        raise NotAllowed(_("This pull request is %(status)s; it takes no more commits.") % {"status": found.status})
    return found


def hold(repo: Repo) -> None:
    """Nobody else numbers discussions, squashes or drops commits of this repo until the transaction ends."""
    Repo.objects.select_for_update(no_key=True).get(pk=repo.pk)


def next_num(repo: Repo) -> int:
    """Returns the number of a new discussion; the repo's row is held until the transaction ends."""
    hold(repo)
    highest: int | None = repo.discussions.aggregate(highest=Max("num"))["highest"]
    return (highest or 0) + 1


def add(discussion: Discussion, kind: DiscussionEvent.Kind, actor: User | None, **fields: Any) -> DiscussionEvent:  # noqa: ANN401
    """Append one event.

    Raises:
        TooLarge: so much was said already that the discussion takes no more.
    """
    if discussion.events.count() >= MOST_EVENTS:
        raise TooLarge(_("This discussion is full; open another one."))
    return DiscussionEvent.objects.create(discussion=discussion, kind=kind, author=actor, **fields)


def count_text(discussion: Discussion, text: str) -> None:
    """Count what a text adds to a discussion whose row is held.

    Raises:
        TooLarge
    """
    discussion.text_bytes += len(text.encode())
    if discussion.text_bytes > MOST_TEXT_BYTES:
        raise TooLarge(_("This discussion is full; open another one."))
    discussion.save(update_fields=["text_bytes"])


def note_commit(repo: Repo, num: str, commit: Commit, actor: User | None) -> None:
    """A pull request got a commit."""
    discussion = repo.discussions.get(num=int(num), is_pull_request=True)
    if discussion.base_id != commit.pk:  # its ref was only now made, at the commit it begins with
        title = commit.title[:200]
        add(discussion, DiscussionEvent.Kind.COMMIT, actor, commit_oid=commit.oid, title_after=title)


def tell(
    discussion: Discussion,
    event: str,
    actor: User | None,
    comment: DiscussionEvent | None = None,
    *,
    change: str = "",
) -> None:
    """Let webhooks know, in the words of their payload.

    Args:
        change: what of the discussion is another now, "status" or "title"; for activity, webhooks do not hear it.
    """
    about: dict[str, Any] = {"discussion": _described(discussion)}
    if change:
        about["change"] = change
    if comment is not None:
        about["comment"] = _comment(discussion, comment)
    events.emit(repo=discussion.repo, event=event, actor=actor, **about)


def _described(discussion: Discussion) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": f"{discussion.pk:024x}",
        "num": discussion.num,
        "title": discussion.title,
        "status": discussion.status,
        "isPullRequest": discussion.is_pull_request,
        "author": {"id": f"{discussion.author_id or 0:024x}"},
        "path": f"/discussions/{discussion.num}",
    }
    if discussion.is_pull_request:
        described["changes"] = {"base": f"refs/heads/{discussion.target_branch}"}
        if discussion.merge_oid:
            described["changes"]["mergeCommitId"] = discussion.merge_oid
    return described


def _comment(discussion: Discussion, comment: DiscussionEvent) -> dict[str, Any]:
    return {
        "id": comment.public_id,
        "author": {"id": f"{comment.author_id or 0:024x}"},
        "content": comment.text,
        "hidden": comment.is_hidden,
        "path": f"/discussions/{discussion.num}#{comment.public_id}",
    }
