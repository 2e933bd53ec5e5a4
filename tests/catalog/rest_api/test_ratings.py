"""Ratings and reviews over REST."""

from __future__ import annotations

import pytest

from catalog.models import Rating
from tests.factories import OrganisationFactory, RepoFactory, UserFactory

pytestmark = pytest.mark.django_db
REVIEW = "Good for short texts."


def test_a_rating_is_put_read_and_deleted(api):
    repo, reader = RepoFactory(), UserFactory()
    address = f"models/{repo.full_name}/rating"
    client = api(reader)

    put = client.put(address, {"stars": 4, "text": REVIEW, "used_for": "news", "language": "en"})
    state = client.get(address).json()
    deleted = client.delete(address)

    assert put.status_code == 200
    assert put.json()["text"] == REVIEW
    assert (state["mine"]["stars"], state["mine"]["used_for"], state["may_rate"]) == (4, "news", True)
    assert state["summary"]["mean"] == 4.0
    assert deleted.status_code == 204
    assert client.get(address).json()["mine"] is None


def test_a_member_of_the_team_is_told_why_not(api):
    founder, member = UserFactory(), UserFactory()
    team = OrganisationFactory(admin=founder, members={"read": [member]})
    repo = RepoFactory(namespace=team.namespace, actor=founder)

    refused = api(member).put(f"models/{repo.full_name}/rating", {"stars": 5})
    state = api(member).get(f"models/{repo.full_name}/rating").json()

    assert refused.status_code == 403
    assert refused.json()["error_code"] == "NotAllowed"
    assert state["may_rate"] is False
    assert "owning team" in state["reason"]
    assert "owning team" in refused.json()["error"]


def test_who_may_not_write_may_not_rate(api):
    repo, reader = RepoFactory(), UserFactory()

    stranger = api().put(f"models/{repo.full_name}/rating", {"stars": 5})
    read_only = api(reader, "read").put(f"models/{repo.full_name}/rating", {"stars": 5})

    assert (stranger.status_code, stranger["X-Error-Code"]) == (401, "NotSignedIn")
    assert stranger["WWW-Authenticate"].startswith("Bearer")
    assert (read_only.status_code, read_only["X-Error-Code"]) == (403, "NotAllowed")
    assert not Rating.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{}, {"stars": 0}, {"stars": 6}, {"stars": "many"}, {"stars": 3, "text": "short"}, {"stars": 3, "text": "a\0" * 10},
     {"stars": 3, "text": "\ud800" * 20}, {"stars": 3, "text": "x" * 4001}, [], "stars"],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_400_and_nothing_is_written(api, body):
    repo = RepoFactory()

    answer = api(UserFactory()).put(f"models/{repo.full_name}/rating", body)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "BadInput"
    assert not Rating.objects.exists()


def test_reviews_are_public_paged_and_filtered_by_stars(api):
    repo = RepoFactory()
    for stars in (5, 3, 3):
        api(UserFactory()).put(f"models/{repo.full_name}/rating", {"stars": stars, "text": REVIEW})

    page = api().get(f"models/{repo.full_name}/reviews?limit=2").json()
    threes = api().get(f"models/{repo.full_name}/reviews?stars=3").json()

    assert [review["stars"] for review in page["results"]] == [3, 3]
    assert "cursor=" in page["next"]
    assert len(threes["results"]) == 2
    assert set(page["results"][0]) >= {"author", "author_name", "verified_use", "revision", "updated_at"}
    assert api().get(f"models/{repo.full_name}/reviews?stars=9").status_code == 400


def test_datasets_are_rated_the_same_way(api):
    repo = RepoFactory(kind="dataset")

    answer = api(UserFactory()).put(f"datasets/{repo.full_name}/rating", {"stars": 2})

    assert answer.status_code == 200
