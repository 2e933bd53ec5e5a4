"""Results that are taken back, and results the model has outgrown."""

import json

import pytest

from catalog.errors import BadInput
from catalog.models import AuditEntry
from evaluation.actions import integrity, runs, scoring, staleness, withdrawal
from evaluation.errors import RunIsOver
from evaluation.models import Record, Run, Score
from evaluation.queries.leaderboard import leaderboard
from evaluation.queries.runs import attempts_of
from evaluation.queries.scores import scores_of
from tests.evaluation import arrangement
from tests.factories import UserFactory, commit_content, token_of

pytestmark = pytest.mark.django_db


def withdraw(run, reason="The labels were wrong."):
    return withdrawal.withdraw_run(run=run, reason=reason, actor=run.repo.created_by)


def measured_again(repo):
    arrangement.commit_model(repo)
    type(repo.facts).objects.filter(repo=repo).update(task="image-classification")
    repo.refresh_from_db()
    return arrangement.scored(repo)


def test_a_withdrawn_result_counts_nowhere_and_stays_visible(client):
    run = withdraw(arrangement.scored())

    assert leaderboard(run.benchmark, user=None) == []
    assert scores_of(run.repo, None) == []
    told = client.get(f"/api/v1/runs/{run.pk}").json()
    assert (told["withdrawn_reason"], len(told["scores"])) == ("The labels were wrong.", 5)
    assert "This result was withdrawn" in client.get(f"/runs/{run.pk}").content.decode()
    assert attempts_of(run.repo, run.benchmark) == 1
    assert client.get(f"/api/v1/runs/{run.pk}/record").status_code == 200
    entry = AuditEntry.objects.get(action="run.withdraw")
    assert entry.details == {"run": run.pk, "reason": "The labels were wrong."}


def test_no_older_result_takes_the_place_of_a_withdrawn_one():
    older = arrangement.scored()
    withdraw(measured_again(older.repo))

    assert not Score.objects.filter(is_current=True).exists()
    newest = measured_again(older.repo)
    assert set(Score.objects.filter(is_current=True).values_list("run_id", flat=True)) == {newest.pk}


def test_an_older_run_that_ends_after_a_withdrawal_does_not_count_either():
    repo = arrangement.model()
    older = arrangement.handed_in(repo)
    withdraw(measured_again(repo))

    scoring.score_run(older.pk)

    assert Run.objects.get(pk=older.pk).state == "succeeded"
    assert not Score.objects.filter(is_current=True).exists()


def test_a_withdrawn_run_does_not_answer_a_new_request():
    run = withdraw(arrangement.scored())

    again, created = runs.request_run(repo=run.repo, benchmark=run.benchmark, actor=run.repo.created_by)

    assert created
    assert again.pk != run.pk


def broken(run):
    """As the hourly check leaves a run whose record or outputs are not what they were."""
    Record.objects.filter(run=run).update(body=run.record.body.replace('"value":1.0', '"value":0.9', 1))
    assert integrity.check(run.record) is False
    return run


def test_a_broken_run_does_not_count_again_when_an_older_one_ends():
    repo = arrangement.model()
    older = arrangement.handed_in(repo)
    broken(measured_again(repo))

    scoring.score_run(older.pk)

    assert Run.objects.get(pk=older.pk).state == "succeeded"
    assert not Score.objects.filter(is_current=True).exists()


def test_a_broken_run_does_not_answer_a_new_request():
    run = broken(arrangement.scored())

    again, created = runs.request_run(repo=run.repo, benchmark=run.benchmark, actor=run.repo.created_by)

    assert created
    assert again.pk != run.pk


def test_a_reason_is_needed_and_a_result_to_withdraw():
    run = arrangement.scored()

    with pytest.raises(BadInput):
        withdraw(run, "  ")
    withdraw(run)
    with pytest.raises(RunIsOver):
        withdraw(run)
    with pytest.raises(RunIsOver):
        withdraw(arrangement.queued())


def test_the_team_withdraws_by_api_and_page_and_nobody_else(raw_client, client):
    run, other = arrangement.scored(), arrangement.scored()
    path, body = f"/api/v1/runs/{run.pk}/withdraw", json.dumps({"reason": "Wrong."})

    def posted(user):
        headers = {"Authorization": f"Bearer {token_of(user, 'write')}"}
        return raw_client.post(path, body, content_type="application/json", headers=headers)

    assert posted(UserFactory()).status_code == 403
    assert posted(run.repo.created_by).json()["withdrawn_reason"] == "Wrong."
    assert posted(run.repo.created_by).status_code == 409
    client.force_login(other.repo.created_by)
    assert "Withdraw this result" in client.get(f"/runs/{other.pk}").content.decode()
    client.post(f"/runs/{other.pk}/withdraw", {"reason": "Also wrong."})
    assert Run.objects.get(pk=other.pk).withdrawn_reason == "Also wrong."


def test_a_changed_readme_makes_nothing_stale_and_changed_weights_do(client):
    run = arrangement.scored()
    commit_content(run.repo, {"README.md": b"---\npipeline_tag: image-classification\n---\n# Other words\n"})
    run.repo.refresh_from_db()
    staleness.note_heads()
    after_words = scores_of(run.repo, None)[0], leaderboard(run.benchmark, user=None)[0]

    arrangement.commit_model(run.repo)
    run.repo.refresh_from_db()
    staleness.note_heads()
    after_weights = scores_of(run.repo, None)[0], leaderboard(run.benchmark, user=None)[0]

    assert [one.is_stale for one in after_words] == [False, False]
    assert not after_words[0].is_at_head
    assert [one.is_stale for one in after_weights] == [True, True]
    for path in (f"{run.repo.web_path}/scores", "/leaderboards/digits", f"/runs/{run.pk}"):
        page = client.get(path).content.decode()
        assert "stale" in page or "speaks of an older state" in page, path
    assert client.get("/api/v1/leaderboards/digits").json()["results"][0]["is_stale"] is True


def test_heads_are_looked_at_once(django_assert_max_num_queries):
    arrangement.scored()

    assert staleness.note_heads() == 1
    with django_assert_max_num_queries(1):
        assert staleness.note_heads() == 0


def test_the_record_holds_the_whole_provenance_table(client):
    run = arrangement.scored(measurements={"dtype": "float32", "attention": "sdpa", "budget": {"tokens": 8192}})

    body = json.loads(run.record.body)

    for group, fields in {
        "identity": "run_id run_key attempt requester trigger kind",
        "model": "repo commit files weights processor_digest chat_template_hash parameters stored_dtypes"
        " resolved_dtype quantisation adapter",
        "benchmark": "id version definition_hash dataset revision split rows rows_evaluated rows_failed items_digest"
        " prompt_hash label_map_digest",
        "engine": "runner_version runner_commit container_image backend attention compiled token_budget batches seed"
        " deterministic environment_lock versions",
        "hardware": "node other_tenants",
        "result": "scores outputs phases energy_joules",
        "trust": "origin key_id reviewed_by sandbox",
    }.items():
        assert set(fields.split()) <= set(body[group]), group
    assert {"name", "version", "library", "library_version", "signature", "interval"} <= set(body["metrics"][0])
    assert body["engine"]["token_budget"] == 8192
    page = client.get(f"/runs/{run.pk}").content.decode()
    assert "Provenance" in page
    assert body["benchmark"]["label_map_digest"] in page
