"""Discussions of a repo: pages of them, and everything that happened in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from catalog.errors import BadInput
from catalog.models import CommentVersion, Discussion, DiscussionEvent, Repo
from catalog.models.discussion import DiscussionQuerySet

PAGE: Final = 30
HIGHEST_PAGE: Final = 10_000
KINDS: Final = ("all", "discussion", "pull_request")
STATUSES: Final = ("all", "open", "closed", "draft", "merged")


@dataclass(frozen=True)
class Asked:
    """Which discussions to list, from which page on."""

    kind: str = "all"
    status: str = "all"  # "open" with drafts, "closed" with merged ones
    author: str = ""
    page: int = 0


@dataclass(frozen=True)
class Page:
    """Some discussions, newest first, and how many there are in all."""

    items: list[Discussion]
    start: int
    count: int

    @property
    def has_more(self) -> bool:
        return self.start + len(self.items) < self.count


def discussions_of(repo: Repo, asked: Asked) -> Page:
    """Returns one page, authors selected.

    Raises:
        BadInput: a kind, status or page that does not exist.
    """
    if asked.kind not in KINDS or asked.status not in STATUSES or not 0 <= asked.page <= HIGHEST_PAGE:
        raise BadInput(_("'type' is all, discussion or pull_request; 'status' all, open or closed; 'p' a page number"))
    found = _chosen(repo, asked)
    start = asked.page * PAGE
    items = list(found.select_related("author").order_by("-num")[start : start + PAGE])
    for item in items:
        item.repo = repo
    return Page(items, start, found.count())


def events_of(discussion: Discussion) -> list[DiscussionEvent]:
    """Returns what happened, oldest first; authors and earlier versions of comments fetched."""
    versions = Prefetch("versions", CommentVersion.objects.order_by("pk"))
    return list(discussion.events.select_related("author").prefetch_related(versions).order_by("pk"))


def unfinished_count(repo: Repo) -> int:
    """How many discussions and pull requests are open or drafts."""
    return repo.discussions.filter(status__in=Discussion.UNFINISHED).count()


def _chosen(repo: Repo, asked: Asked) -> DiscussionQuerySet:
    found = Discussion.objects.filter(repo=repo)
    if asked.kind != "all":
        found = found.filter(is_pull_request=asked.kind == "pull_request")
    if asked.author:
        found = found.filter(author__namespace__key=asked.author.casefold())
    if asked.status == "open":
        found = found.unfinished()
    elif asked.status == "closed":
        found = found.exclude(status__in=Discussion.UNFINISHED)
    elif asked.status != "all":
        found = found.filter(status=asked.status)
    return found
