"""What is measured again without anybody asking, and why."""

import dataclasses
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from catalog.models import Blob
from catalog.storage.local import LocalStore
from catalog.stores import blob_store
from evaluation.actions import benchmarks, integrity, reevaluation, sentinels
from evaluation.models import Baseline, Record, Run, Score
from evaluation.queries.benchmarks import definition_of
from evaluation.queries.runs import attempts_by_benchmark, attempts_of
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def switched_on(settings):
    settings.AUTO_EVALUATE = True
    cache.clear()


def aged(run, days):
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(days=days))


def why(made):
    return [(run.repo, run.benchmark.version, run.trigger, run.requester) for run in made]


def test_fresh_results_are_left_alone():
    arrangement.scored()

    assert reevaluation.schedule() == []


def test_results_that_grew_old_are_measured_again_once():
    run = arrangement.scored()
    aged(run, 181)

    assert why(reevaluation.schedule()) == [(run.repo, 1, "age", None)]
    assert reevaluation.schedule() == []


def test_age_is_configurable(settings):
    aged(arrangement.scored(), 100)
    settings.REEVALUATE_DAYS = 0
    assert reevaluation.schedule() == []
    settings.REEVALUATE_DAYS = 90
    assert len(reevaluation.schedule()) == 1


def test_nothing_happens_where_automatic_runs_are_off(settings):
    settings.AUTO_EVALUATE = False
    aged(arrangement.scored(), 500)

    assert reevaluation.schedule() == []


def test_a_new_version_of_a_benchmark_is_measured():
    run = arrangement.scored()
    benchmarks.publish(dataclasses.replace(definition_of(run.benchmark), version=2, seed=99))

    assert why(reevaluation.schedule()) == [(run.repo, 2, "version", None)]
    assert reevaluation.schedule() == []


def test_a_runner_that_changes_scores_has_its_task_family_measured_again():
    run = arrangement.scored()
    Run.objects.update(runner_version="0.0.1")
    sentinel = sentinels.add_sentinel(repo=arrangement.model(), benchmark=run.benchmark)
    baseline = Baseline.objects.create(
        sentinel=sentinel, hardware_class="CPU", runner_version=reevaluation.RUNNER_VERSION, value=0.9
    )
    assert reevaluation.schedule() == []  # the runner is new, the scores are the same

    baseline.alters_scores = True
    baseline.save()

    assert why(reevaluation.schedule()) == [(run.repo, 1, "runner", None)]


def test_a_record_that_was_changed_counts_no_longer_and_is_measured_again():
    run = arrangement.scored()
    record = run.record
    Record.objects.filter(pk=record.pk).update(body=record.body.replace('"value":1.0', '"value":0.9', 1))

    assert integrity.check_some() == 1

    run.refresh_from_db()
    assert run.integrity_problem == "The signature of the record does not hold."
    assert not Score.objects.filter(is_current=True).exists()
    assert why(reevaluation.schedule()) == [(run.repo, 1, "integrity", None)]


def test_outputs_that_were_changed_are_found():
    run = arrangement.scored()
    output = run.outputs.get(name="predictions.jsonl")
    output.blob = Blob.objects.exclude(pk=output.blob_id).first()
    output.save()

    assert integrity.check_some() == 1
    run.refresh_from_db()
    assert run.integrity_problem == "The output predictions.jsonl is not the one that was scored."


def test_models_that_no_longer_fit_do_not_hold_up_those_behind_them(monkeypatch):
    monkeypatch.setattr(reevaluation, "MOST_AT_ONCE", 1)
    first, second = arrangement.scored(), arrangement.scored()
    aged(first, 300)
    aged(second, 200)
    type(first.repo.facts).objects.filter(repo=first.repo).update(task="text-generation")

    assert reevaluation.schedule() == []
    assert why(reevaluation.schedule()) == [(second.repo, 1, "age", None)]


def watched_with(run, benchmark=None, **fields):
    """A run of the same model that measures a node."""
    shown = {"revision": run.commit_oid, "commit_oid": run.commit_oid, "run_key": "5" * 64, "repo": run.repo}
    return Run.objects.create(kind=Run.Kind.SENTINEL, benchmark=benchmark or run.benchmark, **shown, **fields)


def test_a_sentinel_under_way_keeps_nothing_from_being_measured_again():
    run = arrangement.scored()
    aged(run, 181)
    watched_with(run)

    assert why(reevaluation.schedule()) == [(run.repo, 1, "age", None)]
    assert attempts_of(run.repo, run.benchmark) == attempts_by_benchmark(run.repo)["digits"] == 2


def test_a_sentinel_on_the_new_version_of_a_benchmark_is_no_result_on_it():
    run = arrangement.scored()
    newer = benchmarks.publish(dataclasses.replace(definition_of(run.benchmark), version=2, seed=99))
    watched_with(run, newer, state=Run.State.SUCCEEDED)

    assert why(reevaluation.schedule()) == [(run.repo, 2, "version", None)]


@pytest.mark.parametrize("state", ["failed", "cancelled", "sentinel"])
def test_what_came_to_nothing_does_not_stand_for_a_broken_record(state):
    run = arrangement.scored()
    Record.objects.filter(run=run).update(body=run.record.body.replace('"value":1.0', '"value":0.9', 1))
    integrity.check_some()
    if state == "sentinel":
        watched_with(run)
    else:
        later = arrangement.queued(run.repo)
        Run.objects.filter(pk=later.pk).update(state=state)

    assert why(reevaluation.schedule()) == [(run.repo, 1, "integrity", None)]


def local_store(folder, monkeypatch, content=()):
    """A store in a folder of its own, for the check alone, with the blobs of these outputs."""
    store = LocalStore(folder)
    for output in content:
        with blob_store().open(output.blob.sha256) as source:
            path = store._path(output.blob.sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read())
    monkeypatch.setattr(integrity, "blob_store", lambda: store)
    return store


def test_a_store_that_does_not_answer_says_nothing_of_the_records(tmp_path, monkeypatch):
    run, other = arrangement.scored(), arrangement.scored()
    local_store(tmp_path, monkeypatch)
    (tmp_path / "blobs" / "sha256").rmdir()
    (tmp_path / "blobs" / "sha256").write_bytes(b"no directory: every question to the store fails")

    assert integrity.check_some() == 0

    assert set(Run.objects.values_list("pk", "integrity_problem")) == {(run.pk, ""), (other.pk, "")}
    assert set(Record.objects.values_list("checked_at", flat=True)) == {None}
    assert set(Score.objects.filter(is_current=True).values_list("run", flat=True)) == {run.pk, other.pk}


@pytest.mark.parametrize("damage", ["gone", "unreadable"])
def test_bytes_that_the_store_lost_are_found(tmp_path, monkeypatch, damage):
    run, other = arrangement.scored(wrong=1), arrangement.scored(wrong=2)
    store = local_store(tmp_path, monkeypatch, [*run.outputs.all(), *other.outputs.all()])
    path = store._path(run.outputs.get(name="predictions.jsonl").blob.sha256)
    path.unlink()
    if damage == "unreadable":
        path.symlink_to("/proc/self/mem")  # opens, and fails when it is read

    assert integrity.check_some() == 1

    run.refresh_from_db()
    assert run.integrity_problem == "The stored bytes of predictions.jsonl have changed or are gone."
    assert set(Score.objects.filter(is_current=True).values_list("run", flat=True)) == {other.pk}


def test_genuine_records_pass_and_are_looked_at_in_turn():
    first, second = arrangement.scored(), arrangement.scored()

    assert integrity.check_some(limit=1) == 0
    assert list(Record.objects.exclude(checked_at=None).values_list("run_id", flat=True)) == [first.pk]
    integrity.check_some(limit=1)
    assert Record.objects.get(run=second).checked_at is not None


def test_a_model_that_no_longer_fits_is_not_tried_every_time():
    run = arrangement.scored()
    aged(run, 200)
    type(run.repo.facts).objects.filter(repo=run.repo).update(task="text-generation")

    assert reevaluation.schedule() == []
    assert Run.objects.count() == 1
