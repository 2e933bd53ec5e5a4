"""From a definition that asks for groups to what page and API say of them."""

import dataclasses
import json

import pytest

from evaluation.actions import inputs, leases, rescoring, runs, scoring, team_benchmarks
from evaluation.benchmarks import readers
from evaluation.benchmarks.perturbing import copy_id, copy_ids
from evaluation.metrics.registry import DERIVED
from evaluation.queries import datasets
from evaluation.queries.benchmarks import definition_of
from tests.evaluation import arrangement, teams
from tests.evaluation.benchmarks.data import lines, text_of
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

GROUPED = [
    {"text": f"words {number}", "label": number % 2, "who": "x" if number > 75 else "fm"[number % 3 == 0]}
    for number in range(80)
]
ROUGH = "perturbations: [{name: typos, seed: 5, p: 0.2}]"
FAIR = "slices: [{name: writer, by: group, role: fairness, min_n: 20}]"


@pytest.fixture
def user():
    return UserFactory()


def measured(user, *, rows=GROUPED, more=FAIR, wrong=7):
    benchmark = uploaded(user, OrganisationFactory(admin=user).namespace, rows=rows, more=more)
    return teams.scored(teams.model(), benchmark, user, wrong=wrong)


def uploaded(user, team, *, rows, more):
    repo, commit = teams.dataset(team, user, rows=rows)
    shown = {
        "request": "classify", "task": "text-classification", "labels": "{0: neg, 1: pos}", "split": "test",
        "status": "stable", "id": "tickets", "repo": repo.full_name, "revision": commit.oid, "metric": "accuracy",
    }  # fmt: skip
    text = text_of(shown, "{text: text, target: label, group: who}", "", more)
    return team_benchmarks.upload_definition(text=text, namespace=team, actor=user)[0]


def measured_with_copies(user, *, more=ROUGH, wrong=7, wrong_copies=16, left_out=0):
    """The first `wrong` items are answered wrongly, and the first `wrong_copies` copies."""
    benchmark = uploaded(user, OrganisationFactory(admin=user).namespace, rows=GROUPED, more=more)
    run, _created = runs.request_run(repo=teams.model(), benchmark=benchmark, actor=user)
    run = leases.claim_run(node=arrangement.node(), queues=["eval.cpu"], run_id=run.pk)
    made = inputs.prepare(run)
    leases.note_claim(run=run, node=run.node, inputs_digest=made.digest, rows=made.rows)
    leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="running"))
    definition = definition_of(benchmark)
    items = readers.read(definition, datasets.files_of_run(run))
    names = readers.opaque_names(items, str(run.item_seed), also=copy_ids(definition, items))
    told = []
    for number, row in enumerate(items.gold):
        for key, bound in ((row["id"], wrong), (copy_id(row["id"], "typos"), wrong_copies)):
            is_first = (row["label"] == "neg") != (number < bound)
            told.append({"id": names[key], "label": "neg" if is_first else "pos"})
    arrangement.send(run, "predictions.jsonl", lines(*told[: len(told) - left_out]))
    arrangement.send(run, "measurements.json", b"{}")
    leases.complete_run(**arrangement.grant(run))
    scoring.score_run(run.pk)
    run.refresh_from_db()
    return run


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


def test_perturbed_copies_are_scored_beside_the_items_and_never_among_them(user, client):
    run = measured_with_copies(user)
    client.force_login(user)

    told = client.get(f"/api/v1/runs/{run.pk}").json()
    (one,) = client.get(f"/api/v1/runs/{run.pk}/diagnostics").json()["robustness"]
    listed = client.get(f"/api/v1/runs/{run.pk}/items?limit=1000").json()

    assert run.state == "succeeded", run.reason
    assert [(row["metric"], row["value"], row["n"]) for row in told["scores"]] == [("accuracy", 73 / 80, 80)]
    assert [(row["slice"], row["value"]) for row in told["slices"]] == [("perturbed:typos", 64 / 80)]
    derived = {row["metric"]: row["value"] for row in told["derived"]}
    assert derived == {"accuracy_drop": pytest.approx((73 - 64) / 73), "accuracy_worst": 64 / 80}
    assert (one["name"], one["p"], one["seed"], one["role"]) == ("typos", 0.2, 5, "robustness")
    assert 40 < one["changed"] <= 80
    assert one["score"]["value"] == 64 / 80
    assert listed["total"] == 80  # items, not their copies
    body = json.loads(run.record.body)
    assert (body["benchmark"]["rows"], body["benchmark"]["rows_evaluated"]) == (80, 80)


def test_the_page_shows_what_a_perturbation_costs(user, client):
    run = measured_with_copies(user)
    client.force_login(user)

    page = client.get(f"/runs/{run.pk}").content.decode()

    assert "Under perturbation" in page
    assert "of 80 items are changed by it" in page


def test_a_copy_that_was_not_answered_fails_the_run(user):
    run = measured_with_copies(user, left_out=1)

    assert (run.state, run.reason_code) == ("failed", "bad_output")
    assert "did not answer 1 of 80" in run.reason


def test_every_classifier_shows_classes_confusions_and_calibration(client):
    run = arrangement.scored(wrong=9)

    found = client.get(f"/api/v1/runs/{run.pk}/diagnostics").json()["classification"]
    page = client.get(f"/runs/{run.pk}").content.decode()

    assert sum(one["n"] for one in found["classes"]) == 599
    assert sum(one["right"] for one in found["classes"]) == 590
    assert sum(map(sum, found["matrix"])) == 599
    assert sum(one["n"] for one in found["confused"]) == 9
    listed = {score.metric: score.value for score in run.scores.filter(slice="")}
    assert found["ece"] == pytest.approx(listed["ece"], abs=1e-12)
    assert sum(one["n"] for one in found["bins"]) == 599
    assert "Confusion matrix" in page
    assert "Expected calibration error" in page


def test_a_run_without_scores_explains_nothing(client):
    found = client.get(f"/api/v1/runs/{arrangement.queued().pk}/diagnostics").json()

    assert found == {"fairness": [], "robustness": [], "classification": None, "attributions": None}
