from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog import jobs, tasks
from catalog.models import RepoBlob, RepoFacts, Upload
from marketplace.up import parts
from tests.factories import RepoFactory, store


def test_every_job_and_every_scheduled_task_is_registered():
    current_app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {*jobs.TASK_NAMES, *scheduled} <= set(current_app.tasks)


def test_mirrors_wait_in_a_queue_of_their_own_and_nothing_else_does():
    routed = {name: current_app.amqp.router.route({}, name)["queue"].name for name in jobs.TASK_NAMES}

    assert [name for name, queue in routed.items() if queue == "mirrors"] == [jobs.SYNC_MIRROR]
    assert {parts.worker(Path()).command[6], parts.mirrors(Path()).command[6]} == set(routed.values())


@pytest.mark.django_db(transaction=True)
def test_a_nudge_that_cannot_be_sent_fails_nothing(caplog):
    with transaction.atomic():
        jobs.after_commit(jobs.INDEX_REPO, object())  # no JSON

    assert "Error calling" in caplog.text


@pytest.mark.django_db
def test_indexing_a_repo_that_is_gone_is_no_error():
    tasks.index_repo(0)


@pytest.mark.django_db
def test_the_index_job_brings_the_search_document_up_to_date():
    repo = RepoFactory()
    assert RepoFacts.objects.get(repo=repo).indexed_at is None

    tasks.index_repo(repo.pk)

    facts = RepoFacts.objects.get(repo=repo)
    assert facts.indexed_at is not None
    assert facts.document


@pytest.mark.django_db
def test_the_sweep_repeats_lost_jobs_and_ends_what_ran_out(monkeypatch):
    sent = []
    monkeypatch.setattr(jobs, "index_repo", lambda repo: sent.append(repo.pk))
    lost, fresh, done = RepoFactory.create_batch(3)
    sent.clear()
    long_ago = timezone.now() - timedelta(hours=1)
    RepoFacts.objects.filter(repo__in=[lost, done]).update(updated_at=long_ago)
    RepoFacts.objects.filter(repo=done).update(indexed_at=timezone.now())
    store(fresh, b"forgotten")
    RepoBlob.objects.filter(repo=fresh, uncommitted_until__isnull=False).update(uncommitted_until=long_ago)
    Upload.objects.create(repo=fresh, actor=fresh.created_by, sha256="1" * 64, size=1, expires_at=long_ago)

    tasks.sweep()

    assert sent == [lost.pk]
    assert not Upload.objects.exists()
    assert not RepoBlob.objects.filter(repo=fresh, uncommitted_until__isnull=False).exists()
