"""Pull requests of people who may not write to a repo: how many, and how much of its owner's room."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.actions import strangers
from catalog.actions.community import discussions, merging, pull_requests
from catalog.actions.community.pull_requests import Proposal
from catalog.actions.incoming import uploads
from catalog.errors import NotAllowed, QuotaExceeded, TooManyRequests
from catalog.models import Discussion, Membership, RepoBlob
from tests.catalog.hub_api.conftest import Caller, file_line
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, token_of

pytestmark = pytest.mark.django_db
MB = 1000**2


@pytest.fixture
def carl(db):
    return UserFactory(name="carl")


@pytest.fixture
def repo():
    made = RepoFactory(name="model")
    commit_content(made, {"kept.bin": b"k" * MB})
    return made


def opened(repo, actor):
    return pull_requests.open_pull_request(repo=repo, proposal=Proposal("Offer"), actor=actor, status="open")


def close(made):
    discussions.change_status(discussion=Discussion.objects.get(pk=made.pk), status="closed", actor=made.author)


def open_again(made, actor=None):
    found = Discussion.objects.select_related("repo__namespace").get(pk=made.pk)
    discussions.change_status(discussion=found, status="open", actor=actor or made.author)


def test_a_stranger_has_so_many_open_and_closing_one_makes_room(repo, carl, settings):
    settings.STRANGER_OPEN_PULL_REQUESTS = 2
    first, _second = opened(repo, carl), opened(repo, carl)

    with pytest.raises(NotAllowed, match="Close one, or wait until one is merged"):
        opened(repo, carl)

    assert repo.discussions.count() == 2
    opened(RepoFactory(), carl)  # each repo counts for itself
    opened(repo, UserFactory())  # and each stranger
    for _ in range(3):
        opened(repo, repo.created_by)  # who may write may offer
    close(first)
    opened(repo, carl)
    with pytest.raises(NotAllowed):
        open_again(first)
    open_again(first, repo.created_by)


def test_a_stranger_opens_so_many_a_day(repo, carl, settings):
    settings.STRANGER_DAILY_PULL_REQUESTS = 2
    for _ in range(2):
        close(opened(repo, carl))

    with pytest.raises(TooManyRequests, match="Go on tomorrow") as refused:
        opened(repo, carl)

    assert 86_000 < refused.value.facts["retry_after_seconds"] <= 86_401
    repo.discussions.update(created_at=timezone.now() - timedelta(hours=25))
    opened(repo, carl)


def test_zero_means_no_limit(repo, carl, settings):
    settings.STRANGER_OPEN_PULL_REQUESTS = settings.STRANGER_DAILY_PULL_REQUESTS = 0
    settings.STRANGERS_PULL_REQUESTS_MB = 0

    for _ in range(12):
        made = opened(repo, carl)

    commit_content(repo, {"b": b"b" * 2 * MB}, branch=made.git_ref, actor=carl)


def test_what_strangers_offer_is_counted_together_and_given_back(repo, carl, settings):
    settings.STRANGERS_PULL_REQUESTS_MB = 2
    mine, theirs = opened(repo, carl), opened(repo, UserFactory())
    commit_content(repo, {"a": b"a" * MB}, branch=mine.git_ref, actor=carl)
    commit_content(repo, {"b": b"b" * MB, "same": b"k" * MB}, branch=theirs.git_ref, actor=theirs.author)
    assert strangers.offered_bytes(repo) == 2 * MB  # what main holds is not theirs

    with pytest.raises(QuotaExceeded, match="ask whoever owns the repo"):
        commit_content(repo, {"c": b"c"}, branch=mine.git_ref, actor=carl)

    RepoBlob.objects.filter(repo=repo, blob__size=1).delete()  # as the days would
    commit_content(repo, {"own": b"o" * 3 * MB}, branch="main")  # writers have the quota alone
    merging.merge_pull_request(discussion=theirs, actor=repo.created_by)
    assert strangers.offered_bytes(repo) == MB
    commit_content(repo, {"c": b"c"}, branch=mine.git_ref, actor=carl)
    close(mine)
    assert strangers.offered_bytes(repo) == 0


def test_opening_again_needs_the_room_again(repo, carl, settings):
    settings.STRANGERS_PULL_REQUESTS_MB = 2
    first = opened(repo, carl)
    commit_content(repo, {"a": b"a" * 2 * MB}, branch=first.git_ref, actor=carl)
    close(first)
    second = opened(repo, carl)
    commit_content(repo, {"b": b"b" * MB}, branch=second.git_ref, actor=carl)

    with pytest.raises(QuotaExceeded):
        open_again(first)

    assert Discussion.objects.get(pk=first.pk).status == "closed"


def test_uploads_are_refused_before_they_are_sent(repo, carl, settings):
    settings.STRANGERS_PULL_REQUESTS_MB = 2
    uploads.open_upload(repo=repo, actor=carl, sha256="a" * 64, size=MB)

    with pytest.raises(QuotaExceeded):
        uploads.open_upload(repo=repo, actor=UserFactory(), sha256="b" * 64, size=MB + 1)

    uploads.open_upload(repo=repo, actor=repo.created_by, sha256="b" * 64, size=9 * MB)
    uploads.store_bytes(repo=repo, actor=carl, chunks=[b"x" * MB])
    with pytest.raises(QuotaExceeded):
        uploads.store_bytes(repo=repo, actor=carl, chunks=[b"y" * MB * 2])
    assert not RepoBlob.objects.filter(repo=repo, blob__size=2 * MB).exists()


def test_the_api_says_what_to_do(repo, carl, settings):
    settings.STRANGER_OPEN_PULL_REQUESTS, settings.STRANGERS_PULL_REQUESTS_MB = 1, 1
    caller, address = Caller(token_of(carl)), repo.full_name

    large = caller.commit(f"{address}", file_line("a", b"a" * (MB + 1)), revision="main?create_pr=1")
    small = caller.commit(f"{address}", file_line("a", b"a"), revision="main?create_pr=1")
    more = caller.commit(f"{address}", file_line("b", b"b"), revision="main?create_pr=1")

    assert (large.status_code, large["X-Error-Code"]) == (413, "QuotaExceeded")
    assert "may hold 1 MB together" in large.json()["error"]
    assert (more.status_code, more["X-Error-Code"]) == (403, "NotAllowed")
    assert "Close one" in more.json()["error"]
    assert (small.status_code, repo.discussions.count()) == (200, 1)


def test_members_with_the_role_read_are_strangers_and_writers_are_not(carl, settings):
    settings.STRANGER_OPEN_PULL_REQUESTS = 1
    team = OrganisationFactory(name="acme", members={"read": [carl]})
    repo = RepoFactory(namespace=team.namespace, actor=team.memberships.get(role="admin").user)
    opened(repo, carl)
    with pytest.raises(NotAllowed):
        opened(repo, carl)

    Membership.objects.filter(user=carl).update(role="write")

    opened(repo, carl)
