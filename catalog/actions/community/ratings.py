"""Ratings and reviews: rate, change one's mind, withdraw (ux.md 5).

Ratings never touch scores (decision 13). The sums that lists sort by stand in the facts of the repo and
change in the transaction of the rating, with that row locked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, ExpressionWrapper, F, FloatField, Q, QuerySet, Sum, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import access
from catalog.errors import BadInput, NotAllowed
from catalog.models import Rating, RatingEdit, Repo, RepoFacts, User, WeightsDownload

SHORTEST_TEXT, LONGEST_TEXT = 10, 4000  # characters
LONGEST_NOTE: Final = 200
LONGEST_LANGUAGE: Final = 35
PSEUDO_RATINGS: Final = 10  # at the mean of the task, so that one enthusiast does not lead the list
MEAN_WITHOUT_RATINGS: Final = 3.0
NEGLIGIBLE: Final = 0.005  # differences in a sort key that are not worth a write
NEIGHBOURS_PER_RATING: Final = 500


@transaction.atomic
def rate_repo(
    *,
    repo: Repo,
    actor: User,
    stars: int,
    text: str | None = None,
    used_for: str = "",
    hardware: str = "",
    language: str = "",
) -> Rating:
    """Set this person's one rating of a repo they may read; what it said before is kept as an edit.

    Args:
        text: "" takes the review away; None leaves it as it is.
        language: BCP 47 tag of the text.

    Raises:
        BadInput: stars or a text out of bounds.
        NotAllowed: a member of the owning team, or an account that is too young.
    """
    checked = None if text is None else _checked_text(text)
    _check_stars(stars)
    _check_notes(used_for, hardware, language)
    _check_may_rate(repo, actor)
    facts = _locked_facts(repo)
    rating = Rating.objects.filter(repo=repo, user=actor).first() or Rating(repo=repo, user=actor)
    new_text = rating.text if checked is None else checked
    if rating.pk and (rating.stars, rating.text) != (stars, new_text):
        RatingEdit.objects.create(rating=rating, stars=rating.stars, text=rating.text, revision=rating.revision)
    rating.stars, rating.text = stars, new_text
    rating.used_for, rating.hardware, rating.language = used_for.strip(), hardware.strip(), language.strip()
    rating.revision = facts.commit.oid if facts.commit else ""
    rating.is_verified_use = WeightsDownload.objects.filter(repo=repo, user=actor).exists()
    rating.updated_at = timezone.now()
    rating.save()
    _settle(facts)
    return rating


@transaction.atomic
def withdraw_rating(*, repo: Repo, actor: User) -> None:
    """Take this person's rating away with all it said; harmless when there is none."""
    facts = _locked_facts(repo)
    deleted, _rows = Rating.objects.filter(repo=repo, user=actor).delete()
    if deleted:
        _settle(facts)


@transaction.atomic
def mark_verified_use(repo: Repo, user: User) -> None:
    """Note that this person really used the repo, for the rating they gave or may give."""
    WeightsDownload.objects.get_or_create(repo=repo, user=user)
    Rating.objects.filter(repo=repo, user=user).update(is_verified_use=True)


def refusal(repo: Repo, user: User) -> str:
    """Why this person may not rate this repo, as a sentence; "" when they may."""
    if access.belongs_to(user, repo.namespace):
        return _("Members of the owning team do not rate their own models.")
    days = settings.RATING_MIN_ACCOUNT_DAYS
    if user.created_at > timezone.now() - timedelta(days=days):
        return _("An account must be %(days)d days old to rate.") % {"days": days}
    return ""


def _check_may_rate(repo: Repo, user: User) -> None:
    reason = refusal(repo, user)
    if reason:
        raise NotAllowed(reason)


def _check_stars(stars: int) -> None:
    if not 1 <= stars <= 5:
        raise BadInput(_("A rating has 1 to 5 stars."))


def _checked_text(text: str) -> str:
    clean = text.strip()
    if clean and not SHORTEST_TEXT <= len(clean) <= LONGEST_TEXT:
        raise BadInput(
            _("A review has %(shortest)d to %(longest)d characters.")
            % {"shortest": SHORTEST_TEXT, "longest": LONGEST_TEXT}
        )
    return clean


def _check_notes(used_for: str, hardware: str, language: str) -> None:
    if max(len(used_for), len(hardware)) > LONGEST_NOTE or len(language) > LONGEST_LANGUAGE:
        raise BadInput(_("A note has at most %(longest)d characters.") % {"longest": LONGEST_NOTE})


def _locked_facts(repo: Repo) -> RepoFacts:
    # The row alone: with a join, a writer that waited would find no row at all.
    return RepoFacts.objects.select_for_update(of=("self",)).get(repo=repo)


def _settle(facts: RepoFacts) -> None:
    """Count this repo's ratings again and place it, and those it moves, in the order by rating."""
    sums = Rating.objects.filter(repo_id=facts.pk).aggregate(count=Count("pk"), sum=Sum("stars", default=0))
    facts.rating_count, facts.rating_sum = sums["count"], sums["sum"]
    facts.rating_sort = 0
    facts.save(update_fields=["rating_count", "rating_sum", "rating_sort"])
    rated = RepoFacts.objects.filter(kind=facts.kind, task=facts.task, rating_count__gt=0)
    pseudo_sum = PSEUDO_RATINGS * _task_mean(rated)
    placed = (F("rating_sum") + Value(pseudo_sum)) / (F("rating_count") + Value(float(PSEUDO_RATINGS)))
    place = ExpressionWrapper(placed, output_field=FloatField())
    # The mean of the task moved a little for everybody. Rows that are busy can wait for the next rating.
    misplaced = rated.exclude(rating_sort__range=(place - NEGLIGIBLE, place + NEGLIGIBLE))
    ids = misplaced.select_for_update(skip_locked=True).values_list("pk", flat=True)[:NEIGHBOURS_PER_RATING]
    rated.filter(Q(pk=facts.pk) | Q(pk__in=list(ids))).update(rating_sort=place)


def _task_mean(rated: QuerySet[RepoFacts]) -> float:
    sums = rated.aggregate(count=Sum("rating_count", default=0), sum=Sum("rating_sum", default=0))
    return sums["sum"] / sums["count"] if sums["count"] else MEAN_WITHOUT_RATINGS
