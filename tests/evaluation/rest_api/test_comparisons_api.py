import csv
import io
import json

import pytest

from evaluation.actions import team_benchmarks
from evaluation.models import ItemColumn
from evaluation.queries.contrast import contrasts
from tests.evaluation import arrangement, teams
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content, token_of

pytestmark = pytest.mark.django_db
FIRST_WRONG, SECOND_WRONG = range(60), range(50, 70)  # 50 that only the first fails, 10 both, 10 only the second


@pytest.fixture
def pair():
    return arrangement.scored_but_for(FIRST_WRONG), arrangement.scored_but_for(SECOND_WRONG)


def asked(pair, **more):
    return {"first": pair[0].repo.full_name, "second": pair[1].repo.full_name, **more}


def test_two_models_are_compared_on_the_same_items(raw_client, pair):
    rows = raw_client.get("/api/v1/comparisons", asked(pair)).json()["results"]

    (row,) = rows
    assert (row["benchmark"], row["metric"], row["verdict"]) == ("digits", "accuracy", "second")
    assert (row["first_run"], row["second_run"]) == (pair[0].pk, pair[1].pk)
    found = row["difference"]
    assert (found["only_first"], found["only_second"], found["n"]) == (10, 50, 599)
    assert found["value"] == pytest.approx((10 - 50) / 599)
    assert found["low"] < found["value"] < found["high"] < 0
    assert row["p_adjusted"] == found["p"] < 0.001


def test_with_a_benchmark_every_metric_is_a_row_and_p_values_are_adjusted(raw_client, pair):
    rows = raw_client.get("/api/v1/comparisons", asked(pair, benchmark="digits")).json()["results"]

    by_metric = {row["metric"]: row for row in rows}
    assert set(by_metric) == {"accuracy", "macro_f1", "ece", "brier", "log_loss"}
    assert by_metric["macro_f1"]["difference"]["test"] == "paired bootstrap"
    assert by_metric["macro_f1"]["difference"]["high"] < 0
    assert by_metric["accuracy"]["p_adjusted"] >= by_metric["accuracy"]["difference"]["p"]


def test_one_model_beside_several(raw_client, pair):
    third = arrangement.scored_but_for(FIRST_WRONG)
    query = {"first": pair[0].repo.full_name, "second": [pair[1].repo.full_name, third.repo.full_name]}

    rows = raw_client.get("/api/v1/comparisons", query).json()["results"]

    assert [(row["second_run"], row["verdict"]) for row in rows] == [(pair[1].pk, "second"), (third.pk, "tie")]
    assert rows[0]["p_adjusted"] == pytest.approx(2 * rows[0]["difference"]["p"])


@pytest.mark.parametrize(
    "query", [{}, {"first": "a/b"}, {"first": "a/b", "second": "a/b"}, {"first": "a", "second": "b"}]
)
def test_a_comparison_names_two_models(raw_client, query):
    assert raw_client.get("/api/v1/comparisons", query).status_code == 400


def test_a_private_model_is_compared_by_those_who_read_it(raw_client, pair):
    owner = UserFactory()
    secret = arrangement.scored_but_for(FIRST_WRONG, arrangement.model(actor=owner, visibility="private"))
    query = asked((pair[0], secret), benchmark="digits")

    for path in ("comparisons", "comparisons/items", "comparisons/items.csv"):
        stranger = raw_client.get(f"/api/v1/{path}", query)
        reader = raw_client.get(f"/api/v1/{path}", query, headers={"Authorization": f"Bearer {token_of(owner)}"})
        assert (stranger.status_code, reader.status_code) == (401, 200), path


def test_a_teams_benchmark_is_compared_within_the_team(raw_client, pair):
    member = UserFactory()
    team = OrganisationFactory(admin=member)
    pair[0].benchmark.namespace = team.namespace
    pair[0].benchmark.save()
    headers = {"Authorization": f"Bearer {token_of(member)}"}

    assert raw_client.get("/api/v1/comparisons", asked(pair)).json()["results"] == []
    assert len(raw_client.get("/api/v1/comparisons", asked(pair), headers=headers).json()["results"]) == 1
    query = asked(pair, benchmark="digits")
    assert raw_client.get("/api/v1/comparisons/items", query).status_code == 404
    assert raw_client.get("/api/v1/comparisons/items", query, headers=headers).status_code == 200


def test_a_run_that_kept_nothing_per_item_says_so(raw_client, pair):
    ItemColumn.objects.filter(run=pair[1]).delete()

    (row,) = raw_client.get("/api/v1/comparisons", asked(pair)).json()["results"]

    assert (row["difference"], row["p_adjusted"], row["verdict"]) == (None, None, "unknown")
    assert "not kept" in row["why_not"]


@pytest.mark.parametrize(
    ("which", "count"),
    [("", 50), ("first_worse", 50), ("second_worse", 10), ("both_wrong", 10), ("differ", 60), ("all", 599)],
)
def test_where_one_fails_and_the_other_does_not(raw_client, pair, which, count):
    answer = raw_client.get(
        "/api/v1/comparisons/items", asked(pair, benchmark="digits", which=which, limit=1000)
    ).json()

    assert (answer["metric"], answer["total"], len(answer["results"])) == ("accuracy", count, count)
    if which == "first_worse":
        for row in answer["results"]:
            assert row["second_answer"]["label"] == row["gold"]["label"] != row["first_answer"]["label"]
            assert (row["first_score"], row["second_score"]) == (0, 1)


def test_the_items_come_as_files(raw_client, pair):
    query = asked(pair, benchmark="digits")

    as_csv = raw_client.get("/api/v1/comparisons/items.csv", query)
    as_lines = raw_client.get("/api/v1/comparisons/items.jsonl", query)

    table = list(csv.DictReader(io.StringIO(as_csv.content.decode())))
    lines = [json.loads(line) for line in as_lines.content.decode().splitlines()]
    assert [row["id"] for row in table] == [row["id"] for row in lines]
    assert len(lines) == 50
    assert json.loads(table[0]["gold"]) == lines[0]["gold"]
    assert "attachment" in as_csv["Content-Disposition"]
    assert raw_client.get("/api/v1/comparisons/items.exe", query).status_code == 404


@pytest.fixture
def pair_on_private_data(pair):
    """The same, where the benchmark's data is said to be a data set of a team."""
    found = pair[0].benchmark
    owner = UserFactory()
    data = RepoFactory(actor=owner, kind="dataset", visibility="private")
    commit = commit_content(data, {"test.csv": b"text,label\n"})
    found.definition["dataset"] |= {"repo": data.full_name, "revision": commit.oid}
    found.save()
    return pair, owner


def test_answers_are_for_readers_of_the_data(raw_client, pair_on_private_data):
    pair, owner = pair_on_private_data
    path = f"/api/v1/runs/{pair[0].pk}/outputs/predictions.jsonl"

    stranger = raw_client.get(path)
    reader = raw_client.get(path, headers={"Authorization": f"Bearer {token_of(owner)}"})

    reader.close()
    assert (stranger.status_code, reader.status_code) == (403, 200)
    assert "readers of the data" in stranger.json()["error"]


def test_the_items_of_a_run_are_listed_in_the_order_of_the_data(raw_client, pair):
    page = raw_client.get(f"/api/v1/runs/{pair[0].pk}/items", {"offset": 58, "limit": 4}).json()

    assert (page["metric"], page["total"]) == ("accuracy", 599)
    assert [row["score"] for row in page["results"]] == [0, 0, 1, 1]
    assert page["results"][2]["answer"] == {"label": page["results"][2]["gold"]["label"], "confidence": 0.91}


def test_a_run_without_scores_has_no_items(raw_client):
    run = arrangement.queued()

    assert raw_client.get(f"/api/v1/runs/{run.pk}/items").status_code == 422


def test_outputs_are_sent_as_they_came(raw_client, pair):
    answer = raw_client.get(f"/api/v1/runs/{pair[0].pk}/outputs/predictions.jsonl")

    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert content.count(b"\n") == 598
    assert raw_client.get(f"/api/v1/runs/{pair[0].pk}/outputs/nothing").status_code == 404


def test_without_the_data_only_ids_and_scores_are_told(pair):
    _metric, found = contrasts(*pair, which="first_worse", with_data=False)

    lines = [line for one in found for line in (one.first, one.second)]
    assert {line.score for line in lines} == {0.0, 1.0}
    assert [line for line in lines if line.asked or line.gold or line.answer] == []


@pytest.fixture
def pair_on_team_data():
    """Two public models on a team's benchmark; its private data has a column that groups the items."""
    member = UserFactory()
    namespace = OrganisationFactory(admin=member).namespace
    rows = [row | {"topic": f"redundancies {number % 2}"} for number, row in enumerate(teams.ROWS)]
    repo, commit = teams.dataset(namespace, member, rows=rows)
    text = teams.definition_text(repo.full_name, commit.oid).replace("target: label}", "target: label, group: topic}")
    benchmark = team_benchmarks.upload_definition(text=text, namespace=namespace, actor=member)[0]
    runs = [teams.scored(teams.model(), benchmark, member, wrong=wrong) for wrong in (5, 0)]
    return runs, member


def item_answers(client, runs, headers, *, outputs=True):
    """Everywhere items are told of; last the outputs, which a reader would get as an open file."""
    query = asked(runs, benchmark=runs[0].benchmark.slug)
    for path in ("/api/v1/comparisons/items", "/api/v1/comparisons/items.csv", "/api/v1/comparisons/items.jsonl"):
        yield client.get(path, query, headers=headers)
    for path in ("items", "items.csv", "items.jsonl", *["outputs/predictions.jsonl"] * outputs):
        yield client.get(f"/api/v1/runs/{runs[0].pk}/{path}", headers=headers)


SECRETS = ("redundancies", "sentence", "neg", "pos")  # group, input, and either of gold and answer


def test_a_stranger_learns_nothing_of_a_teams_items(raw_client, client, pair_on_team_data):
    runs, _member = pair_on_team_data
    headers = {"Authorization": f"Bearer {token_of(UserFactory())}"}

    assert {answer.status_code for answer in item_answers(raw_client, runs, headers)} == {404}
    page = client.get("/compare", asked(runs, benchmark=runs[0].benchmark.slug))
    assert page.status_code == 404


def test_a_reader_of_the_models_without_the_data_sees_ids_and_scores_alone(raw_client, client, pair_on_team_data):
    runs, member = pair_on_team_data
    runs[0].benchmark.namespace = None  # the site's benchmark by now; the data stays the team's
    runs[0].benchmark.save()
    stranger, reader = ({"Authorization": f"Bearer {token_of(user)}"} for user in (UserFactory(), member))

    told = list(item_answers(raw_client, runs, stranger))
    page = client.get("/compare", asked(runs, benchmark=runs[0].benchmark.slug)).content.decode()

    assert [answer.status_code for answer in told] == [200] * 6 + [403]
    bodies = [answer.content.decode() for answer in told]
    assert [secret for secret in SECRETS for body in bodies if secret in body] == []
    assert "5 items, 5 shown" in page
    assert [secret for secret in SECRETS[:2] if secret in page] == []
    for answer in item_answers(raw_client, runs, reader, outputs=False):
        assert [secret for secret in SECRETS if secret not in answer.content.decode()] == []
    client.force_login(member)
    assert "redundancies 0" in client.get("/compare", asked(runs, benchmark=runs[0].benchmark.slug)).content.decode()
