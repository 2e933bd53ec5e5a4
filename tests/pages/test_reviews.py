from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Rating, WeightsDownload
from tests.factories import RepoFactory, UserFactory, commit_content
from tests.pages.looking import text_of

pytestmark = pytest.mark.django_db

PATH = "/ann/herbert/reviews"


@pytest.fixture
def repo():
    made = RepoFactory(actor=UserFactory(name="ann"), name="herbert")
    commit_content(made, {"README.md": b"# Card", "weights.bin": b"x" * 9000})
    return made


def test_a_review_is_written_shown_and_changed(client, signed_in, repo):
    # given
    person = signed_in(UserFactory(name="bo", full_name="Bo"))

    # when
    person.post(PATH, {"stars": 4, "text": "波蘭文效果很好，但混合語言常常錯。", "hardware": "RTX 4060"})

    # then
    page = client.get(PATH).content.decode()
    assert 'lang="zh-Hant">波蘭文' in page
    assert "RTX 4060" in page
    person.post(PATH, {"stars": 2, "text": "After a week: it is slower than it looked."})
    seen = text_of(client.get(PATH))
    assert "slower than it looked" in seen
    assert "波蘭文" not in seen
    assert Rating.objects.get().edits.count() == 1


def test_use_is_marked_and_an_older_revision_is_told(client, signed_in, repo):
    # given
    bo = UserFactory(name="bo")
    WeightsDownload.objects.create(repo=repo, user=bo)
    signed_in(bo).post(PATH, {"stars": 5, "text": "Runs on my phone without trouble."})

    # when
    commit_content(repo, {"README.md": b"# Another card"})

    # then
    seen = text_of(client.get(PATH))
    assert "used it" in seen
    assert "reviewed an older revision" in seen


def test_the_owning_team_does_not_rate(signed_in, repo):
    owner = signed_in(repo.created_by)

    assert "do not rate their own models" in text_of(owner.get(PATH))
    assert owner.post(PATH, {"stars": 5}).status_code == 422
    assert not Rating.objects.exists()


@pytest.mark.parametrize("asked", [{"stars": 6}, {"stars": 0}, {"stars": ""}, {"stars": 3, "text": "short"}])
def test_a_rating_out_of_bounds_is_refused_and_the_text_kept(signed_in, repo, asked):
    answer = signed_in(UserFactory()).post(PATH, {"used_for": "hotel reviews", **asked})

    assert answer.status_code == 422
    assert "hotel reviews" in answer.content.decode()
    assert not Rating.objects.exists()


def test_the_histogram_filters(client, signed_in, repo):
    # given
    for stars in (5, 5, 1):
        signed_in(UserFactory()).post(PATH, {"stars": stars, "text": f"I give {stars} of five stars."})

    # then
    seen = text_of(client.get(PATH))
    assert "3.7 out of 5, 3 ratings" in seen
    only = text_of(client.get(f"{PATH}?stars=1"))
    assert "I give 1 of" in only
    assert "I give 5 of" not in only


def test_the_summary_tells_all_from_recent_use_from_hearsay_and_counts_bare_stars(client, signed_in, repo):
    # given
    people = UserFactory.create_batch(3)
    WeightsDownload.objects.create(repo=repo, user=people[0])
    for person, stars in zip(people, (5, 4, 3), strict=True):
        signed_in(person).post(PATH, {"stars": stars, "text": "Good, all in all." if stars == 5 else ""})
    Rating.objects.filter(stars=5).update(updated_at=timezone.now() - timedelta(days=100))

    # when
    seen = text_of(client.get(PATH))

    # then
    assert "4.0 out of 5, 3 ratings" in seen
    assert "In the last 90 days: 3.5 out of 5, 2 ratings" in seen
    assert "1 (33 %) by somebody who used it" in seen
    assert "2 ratings have no text: counted, not listed." in seen


def test_a_rating_is_withdrawn(signed_in, repo):
    person = signed_in(UserFactory())
    person.post(PATH, {"stars": 4})

    person.post(f"{PATH}/withdraw")

    assert not Rating.objects.exists()


def test_strangers_see_how_to_take_part(client, repo):
    assert "Signed-in people who can read the files may rate" in text_of(client.get(PATH))
    assert client.post(PATH, {"stars": 5}).status_code == 401
