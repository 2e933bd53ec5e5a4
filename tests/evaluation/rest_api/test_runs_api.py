import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evaluation import errors
from evaluation.actions import leases, runs
from evaluation.models import Run
from evaluation.rest_api.v1.errors import STATUSES
from tests.evaluation import arrangement
from tests.factories import OrganisationFactory, UserFactory, token_of

pytestmark = pytest.mark.django_db


def bearer(user, role="write"):
    return {"HTTP_AUTHORIZATION": f"Bearer {token_of(user, role)}"}


def post(client, path, user=None, body=None, role="write"):
    headers = bearer(user, role) if user else {}
    return client.post(path, json.dumps(body or {}), content_type="application/json", **headers)


def test_every_error_of_evaluation_has_a_status():
    tree = [errors.EvaluationError, *errors.EvaluationError.__subclasses__()]
    own = [one for one in vars(errors).values() if isinstance(one, type) and one.__module__ == errors.__name__]

    assert set(tree) | set(own) <= set(STATUSES)


def test_benchmarks_are_listed_with_their_ids(raw_client):
    arrangement.benchmark()

    answer = raw_client.get("/api/v1/benchmarks").json()

    assert {row["id"] for row in answer["results"]} >= {"bitext", "digits", "langid", "retrieval-en"}
    assert answer["next"] is None


def test_a_benchmark_shows_its_definition(raw_client):
    arrangement.benchmark()

    answer = raw_client.get("/api/v1/benchmarks/digits").json()

    assert answer["definition"]["labels"]["7"] == "7"
    assert raw_client.get("/api/v1/benchmarks/nothing").status_code == 404


def test_a_request_answers_201_and_the_same_again_200(raw_client):
    repo = arrangement.model()
    arrangement.benchmark()
    path, body = f"/api/v1/models/{repo.full_name}/runs", {"benchmark": "digits", "revision": "main"}

    first = post(raw_client, path, UserFactory(), body)
    second = post(raw_client, path, UserFactory(), body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.json()["state"] == "queued"
    assert first.json()["scores"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "BadInput"),
        ({"benchmark": "no such"}, 400, "BadInput"),
        ({"benchmark": "nothing"}, 404, "BenchmarkNotFound"),
        ({"benchmark": "digits", "revision": "nowhere"}, 404, "RevisionNotFound"),
        ({"benchmark": "langid"}, 422, "NotEvaluable"),
        ({"benchmark": "digits", "revision": "a\x00b"}, 400, "BadInput"),
        ({"benchmark": "digits", "revision": "x" * 300}, 400, "BadInput"),
        ({"benchmark": ["digits"]}, 400, "BadInput"),
    ],
)
def test_requests_that_cannot_be_met_say_why(raw_client, body, status, code):
    repo = arrangement.model()
    arrangement.benchmark()

    answer = post(raw_client, f"/api/v1/models/{repo.full_name}/runs", repo.created_by, body)

    assert (answer.status_code, answer.json()["error_code"]) == (status, code)


def test_strangers_and_read_tokens_ask_for_nothing(raw_client):
    repo = arrangement.model()
    arrangement.benchmark()
    path, body = f"/api/v1/models/{repo.full_name}/runs", {"benchmark": "digits"}

    assert post(raw_client, path, None, body).status_code == 401
    assert post(raw_client, path, UserFactory(), body, role="read").status_code == 403


def test_the_sixth_active_run_is_429(raw_client):
    person = UserFactory()
    for _ in range(5):
        arrangement.queued(actor=person)
    repo = arrangement.model()

    answer = post(raw_client, f"/api/v1/models/{repo.full_name}/runs", person, {"benchmark": "digits"})

    assert (answer.status_code, answer["Retry-After"]) == (429, "60")


def test_a_finished_run_shows_its_scores_primary_first(raw_client):
    run = arrangement.scored(wrong=60)

    answer = raw_client.get(f"/api/v1/runs/{run.pk}").json()

    assert answer["state"] == "succeeded"
    first = answer["scores"][0]
    assert (first["metric"], first["n"]) == ("accuracy", 599)
    assert first["value"] == pytest.approx(539 / 599)
    assert first["low"] < first["value"] < first["high"]
    assert {score["metric"] for score in answer["scores"]} == {"accuracy", "macro_f1", "ece", "brier", "log_loss"}


def test_a_failed_run_says_why(raw_client):
    run = arrangement.running()
    leases.fail_run(**arrangement.grant(run), reason="unsupported", message="The architecture Foo is not known.")

    answer = raw_client.get(f"/api/v1/runs/{run.pk}").json()

    assert (answer["state"], answer["reason_code"]) == ("failed", "unsupported")
    assert answer["reason"] == "The architecture Foo is not known."


def test_progress_is_shown_while_it_runs(raw_client):
    run = arrangement.running()

    answer = raw_client.get(f"/api/v1/runs/{run.pk}").json()

    assert answer["state"] == "running"
    assert answer["progress"] == {"phase": "running", "done": 1, "total": 10, "rate": 2.0, "eta_seconds": 4}


@pytest.mark.parametrize("who", ["requester", "writer", "admin", "reader", "stranger"])
def test_who_may_cancel(raw_client, who):
    requester, writer, reader = UserFactory(), UserFactory(), UserFactory()
    team = OrganisationFactory(members={"write": [writer], "read": [reader]})
    repo = arrangement.model(namespace=team.namespace)
    run = arrangement.queued(repo, actor=requester)
    people = {
        "requester": requester,
        "writer": writer,
        "reader": reader,
        "admin": UserFactory(is_admin=True),
        "stranger": UserFactory(),
    }

    answer = post(raw_client, f"/api/v1/runs/{run.pk}/cancel", people[who])

    run.refresh_from_db()
    if who in {"requester", "writer", "admin"}:
        assert (answer.status_code, run.state) == (200, "cancelled")
        assert answer.json()["state"] == "cancelled"
    else:
        assert (answer.status_code, run.state) == (403, "queued")


def test_a_run_that_ended_is_not_cancelled_again(raw_client):
    run = arrangement.queued()
    runs.cancel_run(run=run)

    answer = post(raw_client, f"/api/v1/runs/{run.pk}/cancel", run.requester)

    assert (answer.status_code, answer.json()["error_code"]) == (409, "RunIsOver")


def test_runs_come_in_pages_newest_first(raw_client, django_assert_max_num_queries):
    made = [arrangement.queued() for _ in range(3)]
    repo = made[0].repo

    with django_assert_max_num_queries(8):
        everything = raw_client.get("/api/v1/runs?benchmark=digits&state=queued").json()

    assert [row["id"] for row in everything["results"]] == [run.pk for run in reversed(made)]
    of_one = raw_client.get(f"/api/v1/runs?model={repo.full_name}").json()
    assert [row["id"] for row in of_one["results"]] == [made[0].pk]
    assert raw_client.get("/api/v1/runs?cursor=invented").status_code == 400


def test_a_run_says_what_it_waits_for_and_what_became_of_its_attempts(raw_client):
    run = arrangement.running()
    leases.fail_run(**arrangement.grant(run), reason="node_error", message="The device is gone.")

    told = raw_client.get(f"/api/v1/runs/{run.pk}").json()
    page = raw_client.get(f"/runs/{run.pk}").content.decode()
    Run.objects.filter(pk=run.pk).update(queue="eval.gpu.48g")
    large = raw_client.get(f"/api/v1/runs/{run.pk}").json()

    (attempt,) = told["attempts"]
    assert (told["node_class"], told["waits_for"], attempt["node_class"]) == ("cpu", "", "cpu")
    assert (attempt["node"], attempt["outcome"], attempt["reason"]) == (
        run.node.name,
        "node_error",
        "The device is gone.",
    )
    assert "Waiting for a free node" in page
    assert (large["node_class"], large["waits_for"]) == (
        "gpu.48g", "Waits for a node with a GPU of at least 48 GB; none is registered."
    )  # fmt: skip


def test_a_private_model_keeps_its_runs_and_scores_to_its_readers(raw_client):
    owner = UserFactory()
    repo = arrangement.model(actor=owner, visibility="private")
    run = arrangement.scored(repo)
    stranger = bearer(UserFactory())
    hidden = [f"/api/v1/runs/{run.pk}", f"/api/v1/runs/{run.pk}/record", f"/api/v1/models/{repo.full_name}/scores",
              f"/api/v1/models/{repo.full_name}/runs", f"/api/v1/runs?model={repo.full_name}"]  # fmt: skip

    for path in hidden:
        assert raw_client.get(path, **stranger).status_code == 404, path
        assert raw_client.get(path, **bearer(owner)).status_code == 200, path
    absent = raw_client.get(f"/api/v1/runs/{run.pk + 1000}", **stranger).json()
    present = raw_client.get(hidden[0], **stranger).json()
    assert absent["error_code"] == present["error_code"]
    assert raw_client.get("/api/v1/runs", **stranger).json()["results"] == []
    assert raw_client.get("/api/v1/leaderboards/digits", **stranger).json()["results"] == []
    assert repo.name not in raw_client.get("/api/v1/leaderboards/digits.csv", **stranger).content.decode()
    assert post(raw_client, f"/api/v1/runs/{run.pk}/cancel", UserFactory()).status_code == 404
    assert len(raw_client.get("/api/v1/leaderboards/digits", **bearer(owner)).json()["results"]) == 1


def test_a_model_turned_private_takes_its_leaderboard_row_with_it(raw_client):
    repo = arrangement.model()
    arrangement.scored(repo)
    assert len(raw_client.get("/api/v1/leaderboards/digits").json()["results"]) == 1

    repo.visibility = "private"
    repo.save()

    assert raw_client.get("/api/v1/leaderboards/digits").json()["results"] == []


def test_the_leaderboard_names_model_run_and_interval(raw_client):
    run = arrangement.scored(wrong=30, measurements={"parameters": 12345, "items_per_second": 88.5})

    row = raw_client.get("/api/v1/leaderboards/digits").json()["results"][0]

    assert (row["rank"], row["model"], row["run"]) == ("1", run.repo.full_name, run.pk)
    assert (row["parameters"], row["items_per_second"], row["p50_ms"]) == (12345, 88.5, None)
    assert row["low"] < row["value"] < row["high"]
    lines = raw_client.get("/api/v1/leaderboards/digits.csv").content.decode().splitlines()
    assert lines[0].startswith("rank,rank_first,rank_last,model,commit,run,metric,value")
    assert lines[1].startswith(f"1,1,1,{run.repo.full_name},{run.commit_oid},{run.pk},accuracy,0.94")


def test_a_licence_that_looks_like_a_formula_is_harmless_in_a_spreadsheet(raw_client):
    run = arrangement.scored()
    facts = run.repo.facts
    facts.licence = "=HYPERLINK(1)"
    facts.save()

    assert ",'=HYPERLINK(1)," in raw_client.get("/api/v1/leaderboards/digits.csv").content.decode()


def test_scores_and_claims_stand_apart(raw_client):
    run = arrangement.scored()
    facts = run.repo.facts
    facts.claims = [{"dataset": "digits", "metric": "accuracy", "value": 99.9}]
    facts.save()

    answer = raw_client.get(f"/api/v1/models/{run.repo.full_name}/scores").json()

    assert [group["benchmark"] for group in answer["results"]] == ["digits"]
    assert answer["results"][0]["scores"][0]["value"] == 1.0
    assert answer["results"][0]["is_at_head"]
    assert answer["claims"][0]["value"] == 99.9


def test_the_record_verifies_with_the_published_key_and_a_changed_byte_does_not(raw_client):
    run = arrangement.scored(wrong=3)

    record = raw_client.get(f"/api/v1/runs/{run.pk}/record").json()
    keys = raw_client.get("/.well-known/marketplace-keys.json").json()["keys"]

    key = next(key for key in keys if key["id"] == record["key_id"])
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"]))
    public.verify(bytes.fromhex(record["signature"]), record["body"].encode())
    with pytest.raises(InvalidSignature):
        public.verify(bytes.fromhex(record["signature"]), record["body"].replace("digits", "digitz").encode())
    body = json.loads(record["body"])
    assert body["model"]["commit"] == run.commit_oid
    assert body["identity"]["run_key"] == run.run_key
    assert body["result"]["scores"][0]["metric"] == "accuracy"


def test_a_run_without_scores_has_no_record(raw_client):
    run = arrangement.queued()

    assert raw_client.get(f"/api/v1/runs/{run.pk}/record").status_code == 404


def test_an_absurd_run_number_is_simply_absent(raw_client):
    assert raw_client.get(f"/api/v1/runs/{10**30}").status_code == 404
