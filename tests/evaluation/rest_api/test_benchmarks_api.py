"""Benchmarks of teams over the API: data, definition, drafts and export."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evaluation.benchmarks.definitions import load_definition
from tests.evaluation import arrangement, teams
from tests.factories import OrganisationFactory, UserFactory, token_of

pytestmark = pytest.mark.django_db

FIFTY = "text,label\n" + "".join(f"sample {number},{'spam' if number % 3 else 'ham'}\n" for number in range(50))


@pytest.fixture
def boss():
    return UserFactory(name="boss")


@pytest.fixture
def team(boss):
    return OrganisationFactory(name="acme", admin=boss).namespace


def bearer(user, role="write"):
    return {"Authorization": f"Bearer {token_of(user, role)}"}


def send_data(raw_client, user, content=FIFTY, **changed):
    file = SimpleUploadedFile("spam.csv", content.encode())
    body = {"namespace": "acme", "name": "spam", "task": "text-classification", "file": file} | changed
    return raw_client.post("/api/v1/benchmark-datasets", body, headers=bearer(user))


def send(raw_client, path, body, user, role="write"):
    return raw_client.post(path, json.dumps(body), content_type="application/json", headers=bearer(user, role))


def test_from_fifty_rows_to_a_benchmark_in_two_calls(raw_client, team, boss):
    data = send_data(raw_client, boss)
    assert data.status_code == 201, data.content
    found = data.json()

    made = send(raw_client, "/api/v1/benchmarks", {"namespace": "acme", "definition": found["definition"]}, boss)

    assert (found["dataset"], found["rows"], found["labels"]) == ("acme/spam", 50, ["ham", "spam"])
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["id"], body["namespace"]) == ("acme--spam", "acme")
    assert body["data_state"] == {
        "state": "ready", "sentence": "", "dataset": "acme/spam", "revision": found["revision"], "here": "acme/spam"
    }  # fmt: skip
    again = send(raw_client, "/api/v1/benchmarks", {"namespace": "acme", "definition": found["definition"]}, boss)
    assert again.status_code == 200


def test_faults_of_data_are_listed_with_their_lines(raw_client, team, boss):
    answer = send_data(raw_client, boss, "text,label\n,a\nx,\n")

    assert answer.status_code == 422
    assert answer.json()["error_code"] == "BadDataset"
    assert answer.json()["details"]["problems"] == [
        "Line 2: the text in 'text' is empty, or no text.",
        "Line 3: the label in 'label' is empty, or no text or whole number.",
    ]


def test_a_bad_definition_is_refused_with_its_path(raw_client, team, boss):
    repo, _commit = teams.dataset(team, boss)
    text = teams.definition_text(repo.full_name, "main")

    answer = send(raw_client, "/api/v1/benchmarks", {"namespace": "acme", "definition": text}, boss)

    assert answer.status_code == 422
    assert answer.json()["details"]["path"] == "dataset.revision"


def test_only_who_may_write_to_the_team_adds_to_it(raw_client, team, boss):
    body = {"namespace": "acme", "definition": "x"}

    by_read_token = send(raw_client, "/api/v1/benchmarks", body, boss, "read")
    by_stranger = send(raw_client, "/api/v1/benchmarks", body, UserFactory())

    assert (by_read_token.status_code, by_stranger.status_code) == (403, 403)


def test_a_list_says_what_waits_for_data(raw_client):
    teams.arrangement.benchmark()
    from evaluation.actions import benchmarks

    benchmarks.publish(load_definition(teams.definition_text("a/b", "f" * 40, id="waits")))

    rows = {row["id"]: row["data_state"] for row in raw_client.get("/api/v1/benchmarks").json()["results"]}

    assert rows["digits"]["state"] == "ready"
    assert rows["waits"]["sentence"] == f"Waiting for data: mirror a/b@{'f' * 40}"


def test_an_export_is_read_again_as_the_same_definition(raw_client):
    benchmark = arrangement.benchmark("langid")

    answer = raw_client.get("/api/v1/benchmarks/langid/export")

    assert answer["Content-Type"] == "application/yaml; charset=utf-8"
    assert load_definition(answer.content.decode()).labels[23] == "zh"
    from evaluation.benchmarks.definitions import definition_hash

    assert definition_hash(load_definition(answer.content.decode())) == benchmark.definition_hash


def test_what_lm_eval_has_no_words_for_is_said(raw_client):
    arrangement.benchmark("digits")

    answer = raw_client.get("/api/v1/benchmarks/digits/export?format=lm_eval")

    assert answer.status_code == 422
    assert "lm_eval has no output_type for 'image-classify'" in answer.json()["error"]


def test_a_draft_comes_with_notes(raw_client):
    task = "task: mine\ndataset_path: a/b\noutput_type: generate_until\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{a}}'\n"

    answer = send(raw_client, "/api/v1/benchmark-imports", {"format": "lm_eval", "text": task}, UserFactory())

    assert answer.status_code == 200, answer.content
    assert "revision: unknown" in answer.json()["definition"]
    assert "The task pins no revision: give the commit of the dataset." in answer.json()["notes"]
    refused = send(
        raw_client, "/api/v1/benchmark-imports", {"format": "lm_eval", "text": "a: !function b.c"}, UserFactory()
    )
    assert "line 1 calls a function" in refused.json()["error"]
