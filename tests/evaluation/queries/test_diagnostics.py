"""From a definition that asks for groups to what page and API say of them."""

import dataclasses
import json

import pytest

from evaluation.actions import rescoring, team_benchmarks
from evaluation.metrics.registry import DERIVED
from tests.evaluation import teams
from tests.evaluation.benchmarks.data import text_of
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

GROUPED = [
    {"text": f"words {number}", "label": number % 2, "who": "x" if number > 75 else "fm"[number % 3 == 0]}
    for number in range(80)
]
FAIR = "slices: [{name: writer, by: group, role: fairness, min_n: 20}]"


@pytest.fixture
def user():
    return UserFactory()


def measured(user, *, rows=GROUPED, more=FAIR, wrong=7):
    team = OrganisationFactory(admin=user).namespace
    repo, commit = teams.dataset(team, user, rows=rows)
    shown = {
        "request": "classify", "task": "text-classification", "labels": "{0: neg, 1: pos}", "split": "test",
        "status": "stable", "id": "tickets", "repo": repo.full_name, "revision": commit.oid, "metric": "accuracy",
    }  # fmt: skip
    text = text_of(shown, "{text: text, target: label, group: who}", "", more)
    benchmark, _created = team_benchmarks.upload_definition(text=text, namespace=team, actor=user)
    return teams.scored(teams.model(), benchmark, user, wrong=wrong)


def test_gaps_are_scores_beside_the_slices_and_the_groups_are_named(user, client):
    run = measured(user)
    client.force_login(user)

    told = client.get(f"/api/v1/runs/{run.pk}").json()
    (division,) = client.get(f"/api/v1/runs/{run.pk}/diagnostics").json()["fairness"]

    assert {row["slice"] for row in told["slices"]} == {"writer:f", "writer:m"}
    of_group = {row["slice"]: row["value"] for row in told["slices"]}
    derived = {row["metric"]: row for row in told["derived"]}
    assert derived["accuracy_gap"]["value"] == pytest.approx(abs(of_group["writer:f"] - of_group["writer:m"]))
    assert {"accuracy_ratio", "selection_rate_difference"} <= set(derived) <= set(DERIVED)
    assert [group["name"] for group in division["groups"]] == ["f", "m"]
    assert division["too_few"] == [{"name": "x", "n": 4}]
    assert division["groups"][0]["score"]["value"] == of_group["writer:f"]
    assert {one["figure"]["metric"] for one in division["figures"]} == set(derived)
    assert [row["metric"] for row in told["scores"]] == ["accuracy"]


def test_the_page_names_groups_gaps_and_those_too_small(user, client):
    run = measured(user)
    client.force_login(user)

    page = client.get(f"/runs/{run.pk}").content.decode()

    assert "Between groups: writer" in page
    assert "Accuracy, gap between groups" in page
    assert "x (4)" in page
    assert page.count("accuracy_gap") == 0


def test_the_record_signs_them_and_scoring_again_gives_the_same(user):
    run = measured(user)
    body = json.loads(run.record.body)

    assert "accuracy_gap" in {metric["name"] for metric in body["metrics"]}
    assert body["result"]["diagnostics"]["fairness"][0]["slice"] == "writer"
    assert not rescoring.rescore_run(run.pk)


def test_a_newer_version_of_a_gap_rescores(user, monkeypatch):
    run = measured(user)
    monkeypatch.setitem(DERIVED, "accuracy_gap", dataclasses.replace(DERIVED["accuracy_gap"], version=2))

    assert rescoring.rescore_run(run.pk)

    body = json.loads(run.record.body)
    assert body["rescoring"]["metrics"] == {"accuracy_gap": {"from": 1, "to": 2}}
    assert run.scores.filter(metric="accuracy_gap", is_superseded=False).count() == 1
    assert run.scores.filter(metric="accuracy_gap", is_superseded=True).count() == 1


def test_a_run_without_groups_has_nothing_between_them(user, client):
    run = measured(user, more="")
    client.force_login(user)

    assert client.get(f"/api/v1/runs/{run.pk}").json()["derived"] == []
    assert client.get(f"/api/v1/runs/{run.pk}/diagnostics").json()["fairness"] == []
    assert "Between groups" not in client.get(f"/runs/{run.pk}").content.decode()
