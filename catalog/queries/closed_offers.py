"""Pull requests of people who may not write to a repo, closed without being merged: until when their commits stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Now

from catalog.models import Discussion, DiscussionEvent, Membership, User
from catalog.models.discussion import DiscussionQuerySet


def overdue() -> DiscussionQuerySet:
    """Those whose commits may go now."""
    if not settings.CLOSED_PULL_REQUEST_WEEKS:
        return Discussion.objects.none()
    return _of_strangers().annotate(closed_at=_closed_at()).filter(closed_at__lte=Now() - _kept())


def kept_until(discussion: Discussion) -> datetime | None:
    """Until when the commits of a pull request are kept; None: for good, or they are gone."""
    is_closed = discussion.is_pull_request and discussion.status == Discussion.Status.CLOSED
    if not settings.CLOSED_PULL_REQUEST_WEEKS or not is_closed:
        return None
    found = _of_strangers().annotate(closed_at=_closed_at()).filter(pk=discussion.pk)
    closed_at: datetime | None = found.values_list("closed_at", flat=True).first()
    return closed_at + _kept() if closed_at else None


def _kept() -> timedelta:
    return timedelta(weeks=settings.CLOSED_PULL_REQUEST_WEEKS)


def _of_strangers() -> DiscussionQuerySet:
    """Closed ones that still have their commits; whoever has no account any more is a stranger, too."""
    roles = [Membership.Role.WRITE, Membership.Role.ADMIN]
    memberships = Membership.objects.filter(
        user=OuterRef("author"), organisation__namespace=OuterRef("repo__namespace"), role__in=roles
    )
    closed = Discussion.objects.filter(
        is_pull_request=True, status=Discussion.Status.CLOSED, commits_dropped_at=None, repo__deleted_at=None
    )
    others = closed.filter(~Exists(memberships)).exclude(author__in=User.objects.administering())
    return others.filter(Q(author=None) | ~Q(author__namespace=F("repo__namespace")))


def _closed_at() -> Subquery:
    changes = DiscussionEvent.objects.filter(discussion=OuterRef("pk"), kind=DiscussionEvent.Kind.STATUS)
    return Subquery(changes.order_by("-pk").values("created_at")[:1])
