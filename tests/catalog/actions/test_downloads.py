from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.actions import downloads
from catalog.models import DownloadCount, RepoFacts, WeightsDownload
from catalog.queries import trees
from tests.factories import RepoFactory, UserFactory, commit_content

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_counters_from_before():
    client = downloads._client()
    client.delete(downloads.COUNTERS, downloads.IN_FLIGHT, f"downloads:aged:{timezone.now().date()}")


@pytest.fixture
def repo():
    repo = RepoFactory()
    commit_content(repo, {"model.safetensors": b"weights", "README.md": b"# card"})
    return repo


@pytest.fixture
def flush(django_capture_on_commit_callbacks):
    def run():
        with django_capture_on_commit_callbacks(execute=True):
            return downloads.flush_counters()

    return run


def entry(repo, path="README.md"):
    return trees.file_at(trees.resolve_revision(repo, "main"), path)


def counts(repo):
    facts = RepoFacts.objects.get(repo=repo)
    return facts.downloads, facts.downloads_all_time


def test_downloads_reach_the_database_with_the_next_flush(repo, flush):
    for _time in range(3):
        downloads.note_download(repo=repo, actor=None, entry=entry(repo))
    assert counts(repo) == (0, 0)

    assert flush() == 3
    assert flush() == 0
    downloads.note_download(repo=repo, actor=None, entry=entry(repo))
    assert flush() == 1

    assert counts(repo) == (4, 4)
    assert DownloadCount.objects.get(repo=repo).count == 4


def test_recent_downloads_age_and_all_downloads_stay(repo, flush):
    today = timezone.now().date()
    DownloadCount.objects.create(repo=repo, day=today - timedelta(days=30), count=5)
    DownloadCount.objects.create(repo=repo, day=today - timedelta(days=29), count=7)
    RepoFacts.objects.filter(repo=repo).update(downloads=12, downloads_all_time=12)

    flush()

    assert counts(repo) == (7, 12)


def test_counters_of_a_flush_that_died_are_written_by_the_next(repo, flush):
    downloads.note_download(repo=repo, actor=None, entry=entry(repo))
    client = downloads._client()
    client.rename(downloads.COUNTERS, downloads.IN_FLIGHT)
    downloads.note_download(repo=repo, actor=None, entry=entry(repo))

    assert flush() == 1
    assert flush() == 1
    assert counts(repo) == (2, 2)


def test_counts_of_a_repo_that_is_gone_are_dropped(repo, flush):
    downloads._client().hset(downloads.COUNTERS, f"{timezone.now().date()} 999999999", 4)

    assert flush() == 0
    assert not DownloadCount.objects.exists()


def test_who_fetched_weights_is_remembered_once(repo):
    user = UserFactory()

    for _time in range(2):
        downloads.note_download(repo=repo, actor=user, entry=entry(repo, "model.safetensors"))
    downloads.note_download(repo=repo, actor=None, entry=entry(repo, "model.safetensors"))
    downloads.note_download(repo=repo, actor=repo.created_by, entry=entry(repo, "README.md"))

    assert list(WeightsDownload.objects.values_list("repo", "user")) == [(repo.pk, user.pk)]


def test_losing_redis_fails_no_download(repo, settings, caplog):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    downloads._client.cache_clear()
    try:
        downloads.note_download(repo=repo, actor=UserFactory(), entry=entry(repo, "model.safetensors"))
    finally:
        downloads._client.cache_clear()

    assert "a download was not counted" in caplog.text
    assert WeightsDownload.objects.count() == 1
