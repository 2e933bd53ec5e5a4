"""What people who may not write to a repo can put into it by pull requests: its owner's quota pays for that.

Limits of their own, besides the quota: how many pull requests one stranger has open in one repo, opens there in a day,
and what the open ones of all strangers hold together. Closing or merging one gives its share back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import access
from catalog.errors import NotAllowed, QuotaExceeded, TooManyRequests
from catalog.models import Commit, Membership, Ref, Repo, RepoBlob, TreeEntry, Upload, User
from catalog.queries.clock import database_now

MB: Final = 1000**2
DAY: Final = timedelta(days=1)
_LOCKS: Final = 0x73747267  # first half of two-part advisory locks; the second is the repo


def check_open(repo: Repo, actor: User) -> None:
    """Refuse one open pull request too many; called in the transaction that opened it, with the repo's row held.

    Raises:
        NotAllowed: this stranger has too many open ones here.
        TooManyRequests: this stranger opened too many here within a day.
    """
    if not is_stranger(actor, repo):
        return
    mine = repo.discussions.filter(author=actor, is_pull_request=True)
    most_open, most_daily = settings.STRANGER_OPEN_PULL_REQUESTS, settings.STRANGER_DAILY_PULL_REQUESTS
    if most_open and mine.unfinished().count() > most_open:
        raise NotAllowed(
            _(
                "You have %(most)d open pull requests in %(repo)s, as many as people may who cannot write to it. "
                "Close one, or wait until one is merged."
            )
            % {"most": most_open, "repo": repo.full_name}
        )
    lately = mine.filter(created_at__gt=timezone.now() - DAY)
    if most_daily and lately.count() > most_daily:
        oldest = lately.order_by("created_at").values_list("created_at", flat=True)[0]
        seconds = int((oldest + DAY - timezone.now()).total_seconds()) + 1
        raise TooManyRequests(
            _(
                "You opened %(most)d pull requests in %(repo)s within a day, as many as people may who cannot write "
                "to it. Go on tomorrow, or put more into one pull request."
            )
            % {"most": most_daily, "repo": repo.full_name},
            retry_after_seconds=max(seconds, 1),
        )


def check_bytes(repo: Repo, actor: User | None, *, coming_bytes: int = 0) -> None:
    """Refuse what is more than strangers' open pull requests may hold; called after the rows are written.

    Args:
        coming_bytes: announced now; what strangers announced before counts too.

    Raises:
        QuotaExceeded
    """
    most = settings.STRANGERS_PULL_REQUESTS_MB * MB
    if not most or actor is None or not is_stranger(actor, repo):
        return
    with connection.cursor() as cursor:  # one at a time: two that fit alone may not fit together
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, repo.pk % 2**31])
    held = offered_bytes(repo)
    if coming_bytes:
        announced = Upload.objects.filter(repo=repo, finished_at=None, expires_at__gt=database_now())
        announced = announced.exclude(actor__in=_writers(repo))
        held += coming_bytes + announced.aggregate(total=Sum("size", default=0))["total"]
    if held > most:
        raise QuotaExceeded(
            _(
                "The open pull requests of people who cannot write to %(repo)s may hold %(most)d MB together, and "
                "this would make it %(held)d MB. Close those that are not needed, ask whoever owns the repo to merge "
                "or close some, or push to a repo of your own."
            )
            % {"repo": repo.full_name, "most": most // MB, "held": -(-held // MB)},
            limit_bytes=most,
            used_bytes=held,
        )


def is_stranger(user: User, repo: Repo) -> bool:
    return not access.can_write(user, repo.namespace)


def offered_bytes(repo: Repo) -> int:
    """What is here for no branch: in open pull requests of strangers, or sent and not committed yet.

    Who sent uncommitted bytes is not kept. Those of writers count as well, for the short while until their commit:
    a limit that is too strict for a moment, never too lax.
    """
    branches = repo.commits.filter(refs__kind=Ref.Kind.BRANCH).values("line")
    offers = _offers(repo).exclude(line__in=branches).values("line")
    # what a line began with is the branch's (ADR 0004): only what came on it counts
    offered = TreeEntry.objects.filter(line__in=offers, first_seq__gte=1, blob__isnull=False).values("blob")
    on_branches = TreeEntry.objects.filter(line__in=branches, blob=OuterRef("blob"))
    held = RepoBlob.objects.filter(
        Q(uncommitted_until__isnull=False) | Q(blob__in=offered), ~Exists(on_branches), repo=repo
    )
    total: int = held.aggregate(total=Sum("blob__size", default=0))["total"]
    return total


def _offers(repo: Repo) -> QuerySet[Commit]:
    """The heads of the open pull requests of strangers."""
    open_ones = repo.discussions.unfinished().filter(is_pull_request=True)
    nums = open_ones.exclude(author__in=_writers(repo)).values_list("num", flat=True)
    names = [str(num) for num in nums]
    return repo.commits.filter(refs__kind=Ref.Kind.PULL_REQUEST, refs__name__in=names)


def _writers(repo: Repo) -> QuerySet[User]:
    """Everybody whom `access.can_write` lets write here."""
    roles = [Membership.Role.WRITE, Membership.Role.ADMIN]
    members = Membership.objects.filter(organisation__namespace=repo.namespace_id, role__in=roles)
    others = Q(namespace=repo.namespace_id) | Q(pk__in=members.values("user"))
    return User.objects.filter(others | Q(pk__in=User.objects.administering()))
