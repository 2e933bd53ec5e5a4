"""Ratings: one per person and repo, counted at once, never by the owning team."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from catalog.actions.community.ratings import mark_verified_use, rate_repo, withdraw_rating
from catalog.errors import BadInput, InvalidCursor, NotAllowed
from catalog.models import Rating, RatingEdit, RepoFacts, WeightsDownload
from catalog.queries.stats import rating_summary, reviews_of
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content

REVIEW = "Works well on Polish news."


def facts_of(repo) -> RepoFacts:
    return RepoFacts.objects.get(repo=repo)


@pytest.mark.django_db
def test_a_rating_is_counted_at_once_and_tied_to_the_revision():
    repo = RepoFactory()
    head = commit_content(repo, {"config.json": b"{}"})

    rating = rate_repo(repo=repo, actor=UserFactory(), stars=4, text=f"  {REVIEW} ", hardware="2 cores")

    facts = facts_of(repo)
    assert (rating.stars, rating.text, rating.hardware, rating.revision) == (4, REVIEW, "2 cores", head.oid)
    assert (facts.rating_count, facts.rating_sum, facts.rating_mean) == (1, 4, 4.0)


@pytest.mark.django_db
def test_rating_again_replaces_the_rating_and_keeps_what_it_said():
    repo, reader = RepoFactory(), UserFactory()
    rate_repo(repo=repo, actor=reader, stars=2, text=REVIEW)

    rate_repo(repo=repo, actor=reader, stars=5)

    rating = Rating.objects.get(repo=repo)
    edit = RatingEdit.objects.get(rating=rating)
    assert (rating.stars, rating.text) == (5, REVIEW)
    assert (edit.stars, edit.text) == (2, REVIEW)
    assert facts_of(repo).rating_sum == 5


@pytest.mark.django_db
def test_an_empty_text_takes_the_review_away_and_saying_the_same_is_no_edit():
    repo, reader = RepoFactory(), UserFactory()
    rate_repo(repo=repo, actor=reader, stars=2, text=REVIEW)
    rate_repo(repo=repo, actor=reader, stars=2, text=REVIEW)

    rating = rate_repo(repo=repo, actor=reader, stars=2, text="")

    assert rating.text == ""
    assert rating.edits.count() == 1


@pytest.mark.django_db
def test_withdrawing_takes_it_out_of_the_counts_and_is_harmless_twice():
    repo, reader = RepoFactory(), UserFactory()
    rate_repo(repo=repo, actor=reader, stars=1)

    withdraw_rating(repo=repo, actor=reader)
    withdraw_rating(repo=repo, actor=reader)

    facts = facts_of(repo)
    assert (facts.rating_count, facts.rating_sum, facts.rating_sort, facts.rating_mean) == (0, 0, 0, None)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["read", "write", "admin"])
def test_members_of_the_owning_team_may_not_rate(role):
    member, founder = UserFactory(), UserFactory()
    team = OrganisationFactory(admin=founder, members={role: [member]})
    repo = RepoFactory(namespace=team.namespace, actor=founder)

    with pytest.raises(NotAllowed, match="owning team"):
        rate_repo(repo=repo, actor=member, stars=5)

    assert facts_of(repo).rating_count == 0


@pytest.mark.django_db
def test_nobody_rates_their_own_repo():
    repo = RepoFactory()

    with pytest.raises(NotAllowed):
        rate_repo(repo=repo, actor=repo.created_by, stars=5)


@pytest.mark.django_db
def test_an_account_must_be_old_enough(settings):
    settings.RATING_MIN_ACCOUNT_DAYS = 3
    repo, young, old = RepoFactory(), UserFactory(), UserFactory()
    old.created_at = timezone.now() - timedelta(days=4)

    with pytest.raises(NotAllowed, match="3 days"):
        rate_repo(repo=repo, actor=young, stars=5)
    rate_repo(repo=repo, actor=old, stars=5)

    assert facts_of(repo).rating_count == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said",
    [{"stars": 0}, {"stars": 6}, {"stars": 3, "text": "short"}, {"stars": 3, "text": "x" * 4001},
     {"stars": 3, "hardware": "x" * 201}, {"stars": 3, "language": "x" * 36}],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_and_nothing_is_written(said):
    repo = RepoFactory()

    with pytest.raises(BadInput):
        rate_repo(repo=repo, actor=UserFactory(), **said)

    assert not Rating.objects.exists()


@pytest.mark.django_db
def test_verified_use_is_marked_whether_it_came_before_or_after_the_rating():
    repo, before, after, never = RepoFactory(), UserFactory(), UserFactory(), UserFactory()
    WeightsDownload.objects.create(repo=repo, user=before)
    for reader in (before, after, never):
        rate_repo(repo=repo, actor=reader, stars=4)

    mark_verified_use(repo, after)

    marked = Rating.objects.filter(is_verified_use=True).values_list("user_id", flat=True)
    assert set(marked) == {before.pk, after.pk}
    assert rating_summary(repo).verified_share == pytest.approx(2 / 3)


@pytest.mark.django_db
def test_one_enthusiast_does_not_beat_many_satisfied_people():
    single, popular = RepoFactory(), RepoFactory()
    for stars in (5, 5, 4, 5, 5, 4, 5, 5, 5, 5):
        rate_repo(repo=popular, actor=UserFactory(), stars=stars)
    for stars in (1, 2):
        rate_repo(repo=RepoFactory(), actor=UserFactory(), stars=stars)

    rate_repo(repo=single, actor=UserFactory(), stars=5)

    assert facts_of(single).rating_mean > facts_of(popular).rating_mean
    assert facts_of(single).rating_sort < facts_of(popular).rating_sort


@pytest.mark.django_db
def test_the_order_by_rating_follows_when_the_mean_of_the_task_moves():
    first = RepoFactory()
    rate_repo(repo=first, actor=UserFactory(), stars=5)
    alone = facts_of(first).rating_sort

    for _ in range(4):
        rate_repo(repo=RepoFactory(), actor=UserFactory(), stars=1)

    mean = (5 + 4 * 1) / 5
    assert alone == pytest.approx(5.0)
    assert facts_of(first).rating_sort == pytest.approx((5 + 10 * mean) / 11, abs=0.01)


@pytest.mark.django_db(transaction=True)
def test_people_who_rate_at_the_same_moment_are_all_counted():
    repo = RepoFactory()
    readers = [UserFactory() for _ in range(6)]
    start = threading.Barrier(len(readers))

    def rate(reader):
        start.wait()
        try:
            for stars in (1, 5):
                rate_repo(repo=repo, actor=reader, stars=stars)
        finally:
            connection.close()

    threads = [threading.Thread(target=rate, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    facts = facts_of(repo)
    assert (facts.rating_count, facts.rating_sum) == (6, 30)


@pytest.mark.django_db
def test_the_summary_counts_stars_and_tells_recent_from_all():
    repo = RepoFactory()
    for stars in (5, 4, 4):
        rate_repo(repo=repo, actor=UserFactory(), stars=stars)
    rate_repo(repo=repo, actor=UserFactory(), stars=1, text=REVIEW)
    Rating.objects.filter(stars=1).update(updated_at=timezone.now() - timedelta(days=91))

    summary = rating_summary(repo)

    assert summary.histogram == (1, 0, 0, 2, 1)
    assert (summary.count, summary.mean, summary.recent_count) == (4, 3.5, 3)
    assert summary.recent_mean == pytest.approx(13 / 3)
    assert summary.review_count == 1
    assert summary.is_telling
    assert not rating_summary(RepoFactory()).is_telling


@pytest.mark.django_db
def test_ratings_of_other_weights_are_not_recent():
    repo = RepoFactory()
    commit_content(repo, {"README.md": b"# Card", "model.safetensors": b"first"})
    rate_repo(repo=repo, actor=UserFactory(), stars=1)
    commit_content(repo, {"README.md": b"# A better card"})
    assert rating_summary(repo).recent_count == 1
    Rating.objects.update(updated_at=timezone.now() - timedelta(days=1))
    commit_content(repo, {"model.safetensors": b"second"})

    rate_repo(repo=repo, actor=UserFactory(), stars=5)

    summary = rating_summary(repo)
    assert (summary.count, summary.recent_count, summary.recent_mean) == (2, 1, 5.0)
    assert summary.is_since_weights


@pytest.mark.django_db
def test_reviews_come_newest_first_in_pages_without_bare_stars(django_assert_num_queries):
    repo = RepoFactory()
    for number in range(5):
        rate_repo(repo=repo, actor=UserFactory(), stars=3 + number % 2, text=f"Review number {number}")
    rate_repo(repo=repo, actor=UserFactory(), stars=3)

    with django_assert_num_queries(1):
        first = reviews_of(repo, limit=3)
        authors = [review.user.display_name for review in first.items]
    second = reviews_of(repo, limit=3, cursor=first.next_cursor or "")

    assert len(authors) == 3
    assert [review.text[-1] for review in [*first.items, *second.items]] == ["4", "3", "2", "1", "0"]
    assert second.next_cursor is None
    assert [review.text[-1] for review in reviews_of(repo, stars=4).items] == ["3", "1"]
    with pytest.raises(InvalidCursor):
        reviews_of(RepoFactory(), cursor=first.next_cursor or "")
