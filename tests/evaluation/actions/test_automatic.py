from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import RepoFacts
from evaluation.actions import automatic, leases
from evaluation.models import Run
from tests.evaluation import arrangement
from tests.factories import RepoFactory, commit_content

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def benchmark(settings):
    settings.AUTO_EVALUATE = True
    settings.AUTO_EVALUATE_DELAY_SECONDS = 60
    return arrangement.benchmark()


def rested(repo, seconds=61, **facts):
    """As if the last commit were so long ago."""
    then = timezone.now() - timedelta(seconds=seconds)
    RepoFacts.objects.filter(repo=repo).update(updated_at=then, task="image-classification", **facts)
    repo.refresh_from_db()
    return repo


def test_an_upload_at_rest_is_evaluated_once():
    repo = rested(arrangement.model())

    first = automatic.schedule_automatic()
    again = automatic.schedule_automatic()

    assert [(run.repo, run.benchmark.slug, run.trigger) for run in first] == [(repo, "digits", "upload")]
    assert (first[0].requester, first[0].priority) == (None, 0)
    assert again == []


def test_an_upload_under_way_is_left_alone():
    rested(arrangement.model(), seconds=30)

    assert automatic.schedule_automatic() == []


def test_weights_without_a_config_wait_for_the_commit_that_completes_them():
    repo = RepoFactory()
    commit_content(repo, {"model.safetensors": b"w"})
    rested(repo)
    assert automatic.schedule_automatic() == []

    arrangement.commit_model(repo)
    rested(repo)

    assert len(automatic.schedule_automatic()) == 1


def test_a_newer_head_replaces_the_queued_run_of_the_older():
    repo = rested(arrangement.model())
    older = automatic.schedule_automatic()[0]
    arrangement.commit_model(repo)
    rested(repo)

    newer = automatic.schedule_automatic()[0]

    older.refresh_from_db()
    assert (older.state, newer.state) == ("cancelled", "queued")


def test_runs_that_were_asked_for_or_began_are_not_replaced():
    repo = rested(arrangement.model())
    asked = arrangement.queued(repo)
    arrangement.commit_model(repo)
    rested(repo)
    begun = automatic.schedule_automatic()[0]
    leases.claim_run(node=arrangement.node(), queues=["eval.cpu"], run_id=begun.pk)
    arrangement.commit_model(repo)
    rested(repo)

    automatic.schedule_automatic()

    assert Run.objects.get(pk=asked.pk).state == "queued"
    assert Run.objects.get(pk=begun.pk).state == "claimed"


def test_a_readme_edit_measures_nothing_again():
    repo = rested(arrangement.model())
    automatic.schedule_automatic()
    commit_content(repo, {"README.md": b"# new words\n"})
    rested(repo)

    assert automatic.schedule_automatic() == []
    assert Run.objects.count() == 1


def test_models_no_benchmark_fits_are_passed_over_in_silence():
    rested(arrangement.model(labels={"0": "cat", "1": "dog"}))

    assert automatic.schedule_automatic() == []


def test_deleted_models_are_passed_over():
    repo = rested(arrangement.model())
    repo.deleted_at = timezone.now()
    repo.save()

    assert automatic.schedule_automatic() == []


def test_it_can_be_switched_off(settings):
    settings.AUTO_EVALUATE = False
    rested(arrangement.model())

    assert automatic.schedule_automatic() == []
