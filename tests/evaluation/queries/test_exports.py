"""Measured results in the Hub API, parsed by huggingface_hub's own classes; test_circle asks with its real client."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from huggingface_hub import hf_api
from huggingface_hub.repocard_data import model_index_to_eval_results

from tests.evaluation import arrangement
from tests.factories import commit_content

pytestmark = pytest.mark.django_db
CARD = b"""---
pipeline_tag: image-classification
model-index:
- name: own
  results:
  - task: {type: image-classification}
    dataset: {type: mnist, name: MNIST}
    metrics: [{type: accuracy, value: 0.5}]
---
"""


@pytest.fixture
def repo():
    found = arrangement.model()
    commit_content(found, {"README.md": CARD, ".eval_results/a.yaml": b"[{dataset: {id: a/b, task_id: t}, value: 1}]"})
    found.refresh_from_db()
    return found


def info_of(client, repo, *fields):
    query = "&".join(f"expand={name}" for name in fields)
    return hf_api.ModelInfo(**client.get(f"/api/models/{repo.full_name}?{query}").json())


def test_measured_results_follow_the_stated_ones(raw_client, repo):
    run = arrangement.scored_but_for(range(30), repo)

    stated, ours = info_of(raw_client, repo, "evalResults").eval_results

    assert (stated.dataset_id, stated.value) == ("a/b", 1)
    assert (ours.dataset_id, ours.task_id, ours.dataset_revision) == (
        "builtin:sklearn-digits", "digits", "scikit-learn==1.9.1",
    )  # fmt: skip
    assert ours.value == pytest.approx(569 / 599)
    assert ours.source_url.endswith(f"/runs/{run.pk}")
    assert ours.verify_token is None
    assert ours.notes.startswith("benchmark=digits@1; metric=accuracy; split=test; interval=[")
    assert ours.notes.endswith("; n=599")


def test_the_model_index_holds_the_cards_results_and_ours_as_verified(raw_client, repo):
    arrangement.scored_but_for(range(30), repo)

    card, ours = info_of(raw_client, repo, "model-index").model_index

    assert card["name"] == "own"
    name, results = model_index_to_eval_results([ours])
    assert name == repo.name
    assert {one.metric_type for one in results} == {"accuracy", "macro_f1", "ece", "brier", "log_loss"}
    assert all(one.verified for one in results)


def test_lists_carry_measured_results_in_one_query_for_all(raw_client, django_assert_max_num_queries):
    runs = [arrangement.scored_but_for(range(30)) for _ in range(3)]

    with django_assert_max_num_queries(6):
        listed = raw_client.get("/api/models?expand=evalResults").json()

    found = {one["id"]: one["evalResults"][0]["data"]["source"]["url"].rpartition("/")[2] for one in listed}
    assert found == {run.repo.full_name: str(run.pk) for run in runs}


def test_who_does_not_ask_gets_the_card_alone_and_pays_no_query(raw_client, repo):
    arrangement.scored_but_for(range(30), repo)

    with CaptureQueriesContext(connection) as asked:
        answer = raw_client.get(f"/api/models/{repo.full_name}").json()

    assert [one["name"] for one in answer["model-index"]] == ["own"]
    assert "evalResults" not in answer
    assert not [query for query in asked.captured_queries if "evaluation_score" in str(query["sql"])]
