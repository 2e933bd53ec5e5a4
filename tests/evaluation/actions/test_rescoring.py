"""A metric gets a newer version: the same answers are scored anew, and nothing of before is lost."""

import dataclasses
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from evaluation import signing
from evaluation.actions import rescoring
from evaluation.metrics.registry import REGISTRY
from evaluation.models import ItemColumn, Record, Score
from evaluation.queries.leaderboard import leaderboard
from evaluation.queries.outdated import runs_to_rescore
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    return arrangement.scored_but_for(range(30))


@pytest.fixture
def newer_brier(run, monkeypatch):
    """As if the formula of the Brier score had been corrected since the run."""
    monkeypatch.setitem(REGISTRY, "brier", dataclasses.replace(REGISTRY["brier"], version=2))


def test_nothing_is_rescored_while_metrics_stay_as_they_are(run):
    assert list(runs_to_rescore()) == []
    assert rescoring.rescore_run(run.pk) is False
    assert Record.objects.count() == 1


@pytest.mark.usefixtures("newer_brier")
def test_old_scores_stay_superseded_and_both_records_are_genuine(run):
    before = list(run.scores.order_by("pk").values_list("pk", "metric", "value"))

    assert rescoring.rescore_run(run.pk) is True

    old, new = Record.objects.filter(run=run).order_by("pk")
    superseded, valid = (run.scores.filter(is_superseded=flag).order_by("pk") for flag in (True, False))
    assert list(superseded.values_list("pk", "metric", "value")) == before
    assert set(superseded.values_list("record", "is_current")) == {(old.pk, False)}
    assert set(valid.values_list("record", "is_current")) == {(new.pk, True)}
    assert list(valid.values_list("metric", "value")) == [(metric, value) for _pk, metric, value in before]
    for record in (old, new):
        assert signing.is_genuine(record.body, signing.Signature(record.signature, record.key_id))
    body = json.loads(new.body)
    assert body["rescoring"]["metrics"] == {"brier": {"from": 1, "to": 2}}
    assert body["rescoring"]["supersedes"]["signature"] == old.signature
    assert body["result"]["outputs"] == json.loads(old.body)["result"]["outputs"]
    assert {one["name"]: one["version"] for one in body["metrics"]}["brier"] == 2


@pytest.mark.usefixtures("newer_brier")
def test_a_second_time_changes_nothing(run):
    rescoring.rescore_run(run.pk)

    assert list(runs_to_rescore()) == []
    assert rescoring.rescore_run(run.pk) is False
    assert Score.objects.filter(is_superseded=False).count() == 5


@pytest.mark.usefixtures("newer_brier")
def test_a_model_stands_once_on_its_board_before_and_after(run):
    assert [row.score.run_id for row in leaderboard(run.benchmark, user=None)] == [run.pk]
    rescoring.rescore_run(run.pk)
    assert [row.score.run_id for row in leaderboard(run.benchmark, user=None)] == [run.pk]


@pytest.mark.usefixtures("newer_brier")
def test_an_older_run_does_not_become_current_by_being_rescored(run):
    repo = run.repo
    arrangement.commit_model(repo)
    type(repo.facts).objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()
    newer = arrangement.scored_but_for([], repo)

    rescoring.rescore_run(run.pk)

    assert set(Score.objects.filter(is_current=True).values_list("run_id", flat=True)) == {newer.pk}


@pytest.mark.usefixtures("newer_brier")
def test_which_run_counts_is_decided_anew_and_not_by_what_was_read_before(run):
    arrangement.commit_model(run.repo)
    type(run.repo.facts).objects.filter(repo=run.repo).update(task="image-classification")
    run.repo.refresh_from_db()
    newer = arrangement.scored_but_for([], run.repo)
    run.scores.update(is_current=True)  # as a reader saw it who looked before the newer one ended

    assert rescoring.rescore_run(run.pk) is True

    assert set(Score.objects.filter(is_current=True).values_list("run_id", flat=True)) == {newer.pk}


@pytest.mark.usefixtures("newer_brier")
def test_a_run_whose_outputs_no_longer_fit_keeps_its_scores(run):
    run.benchmark.definition["dataset"]["revision"] = "scikit-learn==0.0.1"
    run.benchmark.save()

    assert rescoring.rescore_run(run.pk) is False
    assert not run.scores.filter(is_superseded=True).exists()


def test_what_is_kept_per_item_is_added_where_it_is_missing(run):
    before = sorted(ItemColumn.objects.values_list("metric", "kind", "length"))
    ItemColumn.objects.all().delete()

    assert list(runs_to_rescore()) == [run.pk]
    assert rescoring.rescore_run(run.pk) is False

    assert sorted(ItemColumn.objects.values_list("metric", "kind", "length")) == before
    assert Record.objects.count() == 1


@pytest.mark.usefixtures("newer_brier")
def test_the_command_names_a_metric_and_tells_how_many(run):
    said = StringIO()

    call_command("rescore", "--metric", "brier", "--now", stdout=said)
    call_command("rescore", "--metric", "accuracy", "--now", stdout=said)

    assert said.getvalue().splitlines() == ["1 of 1 runs have a new record.", "0 of 0 runs have a new record."]
    with pytest.raises(CommandError, match="no metric named"):
        call_command("rescore", "--metric", "bri")


@pytest.mark.usefixtures("newer_brier")
def test_without_now_the_workers_are_told(run, django_capture_on_commit_callbacks):
    said = StringIO()
    with django_capture_on_commit_callbacks() as told:
        call_command("rescore", stdout=said)

    assert said.getvalue() == "1 runs are handed to the workers.\n"
    assert len(told) == 1


@pytest.mark.usefixtures("newer_brier")
def test_page_and_api_show_what_was_superseded(run, client):
    rescoring.rescore_run(run.pk)

    told = client.get(f"/api/v1/runs/{run.pk}").json()
    records = client.get(f"/api/v1/runs/{run.pk}/records").json()["results"]
    page = client.get(f"/runs/{run.pk}").content.decode()

    assert len(told["scores"]) == len(told["superseded"]) == 5
    assert [one["id"] for one in records] == sorted((one["id"] for one in records), reverse=True)
    assert client.get(f"/api/v1/runs/{run.pk}/record").json()["id"] == records[0]["id"]
    assert "Superseded scores" in page
