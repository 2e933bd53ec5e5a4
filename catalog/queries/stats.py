"""What ratings of a repo add up to, and its reviews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Avg, Count, Max, Q
from django.utils import timezone

from catalog.models import Rating, Repo, TreeEntry
from catalog.parsing import formats
from catalog.queries import trees
from catalog.queries.paging import Cursor, IsBeyond, Page

RECENT: Final = timedelta(days=90)
TELLING: Final = 3  # fewer ratings than this show as "–"
DEFAULT_LIMIT: Final = 20


@dataclass(frozen=True)
class RatingSummary:
    """All ratings of one repo in a few numbers; means are of 1 to 5 stars, None without ratings."""

    count: int
    mean: float | None
    histogram: tuple[int, int, int, int, int]  # how many gave 1, 2, 3, 4, 5 stars
    is_since_weights: bool  # some of the last 90 days speak of other weights, so they are not among the recent
    recent_count: int  # of the last 90 days, and of the weights as they are
    recent_mean: float | None
    verified_count: int  # by people who downloaded the weights or ran an evaluation
    review_count: int  # with a text

    @property
    def is_telling(self) -> bool:
        """Whether there are enough ratings to show their mean."""
        return self.count >= TELLING

    @property
    def star_only_count(self) -> int:
        """Those without a text: counted, not listed."""
        return self.count - self.review_count

    @property
    def verified_percent(self) -> int:
        return round(100 * (self.verified_share or 0))

    @property
    def verified_share(self) -> float | None:
        """From 0 to 1; None without ratings."""
        return self.verified_count / self.count if self.count else None


def rating_summary(repo: Repo) -> RatingSummary:
    """Returns the numbers of one repo. Ratings of other weights count among all, not among the recent (ux.md 5)."""
    ago, changed = timezone.now() - RECENT, _weights_changed_at(repo)
    since = max(ago, changed) if changed is not None else ago
    recent = Q(updated_at__gte=since)
    found = repo.ratings.aggregate(
        count=Count("pk"),
        mean=Avg("stars"),
        recent_count=Count("pk", filter=recent),
        recent_mean=Avg("stars", filter=recent),
        verified_count=Count("pk", filter=Q(is_verified_use=True)),
        review_count=Count("pk", filter=~Q(text="")),
        outdated=Count("pk", filter=Q(updated_at__gte=ago, updated_at__lt=since)),
        **{f"stars_{stars}": Count("pk", filter=Q(stars=stars)) for stars in range(1, 6)},
    )
    one, two, three, four, five = (found.pop(f"stars_{stars}") for stars in range(1, 6))
    return RatingSummary(
        histogram=(one, two, three, four, five),
        is_since_weights=found.pop("outdated") > 0,
        **found,
    )


def _weights_changed_at(repo: Repo) -> datetime | None:
    """When the weights became what they are at the head; None without any."""
    head = trees.head_of(repo)
    if head is None:
        return None
    weights = Q()
    for suffix in formats.WEIGHT_SUFFIXES:
        weights |= Q(path__endswith=suffix)
    changed: datetime | None = (
        TreeEntry.objects.at(head).files().filter(weights).aggregate(newest=Max("changed_in__committed_at"))["newest"]
    )
    return changed


def reviews_of(repo: Repo, *, stars: int | None = None, limit: int = DEFAULT_LIMIT, cursor: str = "") -> Page[Rating]:
    """Returns one page of the ratings that say something, newest first; their authors are at hand.

    Args:
        stars: only those with so many.

    Raises:
        InvalidCursor
    """
    name = f"reviews:{repo.pk}:{stars}"
    reviews = repo.ratings.exclude(text="").select_related("user__namespace")
    if stars is not None:
        reviews = reviews.filter(stars=stars)
    if cursor:
        reviews = reviews.filter(IsBeyond(["pk"], Cursor.unseal(cursor, name)))
    found = list(reviews.order_by("-pk")[: limit + 1])
    items = found[:limit]
    goes_on = len(found) > limit
    return Page(items, Cursor(keys=(items[-1].pk,)).seal(name) if goes_on else None)
