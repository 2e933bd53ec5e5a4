import pytest

from catalog.models import RepoFacts
from evaluation.actions import leases, runs
from evaluation.models import Run
from tests.evaluation import arrangement
from tests.factories import UserFactory
from tests.pages.looking import links_of, text_of

pytestmark = pytest.mark.django_db


def test_a_verified_score_stands_on_list_page_model_page_and_board(client):
    # given
    run = arrangement.scored(wrong=0, measurements={"parameters": 1_000_000, "items_per_second": 50.0})
    repo = run.repo

    for path in ("/models", repo.web_path, f"{repo.web_path}/scores", "/leaderboards/digits", "/", f"/runs/{run.pk}"):
        # when
        seen = text_of(client.get(path))

        # then
        assert "verified here: 100.0 ±" in seen, path


def test_a_board_draws_its_models_and_lists_the_same_numbers(client):
    # given
    run = arrangement.scored(measurements={"parameters": 1_000_000, "items_per_second": 50.0})

    # when
    response = client.get("/leaderboards/digits")

    # then
    page = response.content.decode()
    assert '<circle class="dot best"' in page
    assert f'<a href="{run.repo.web_path}"' in page
    assert f"/runs/{run.pk}" in links_of(response)
    assert "/api/v1/leaderboards/digits.csv" in links_of(response)


def claiming(dataset: str, metric: str = "accuracy", value: float = 97.5):
    repo = arrangement.model()
    RepoFacts.objects.filter(repo=repo).update(
        claims=[{"dataset": dataset, "dataset_name": "", "metric": metric, "metric_name": "", "value": value}]
    )
    return repo


def test_claims_are_one_toggle_away_hollow_and_without_a_rank(client):
    # given
    arrangement.scored(measurements={"parameters": 1_000_000})
    claim = claiming("sklearn-digits")
    others = [claiming("mnist"), claiming("sklearn-digits", metric="f1")]

    # when
    default = client.get("/leaderboards/digits")
    toggled = client.get("/leaderboards/digits?claimed=1")

    # then
    assert f"{claim.web_path}/scores" not in links_of(default)
    assert "claimed: 97.5" in text_of(toggled)
    assert f"{claim.web_path}/evaluate?benchmark=digits" in links_of(toggled)
    for other in others:
        assert f"{other.web_path}/scores" not in links_of(toggled)


def test_csv_and_json_carry_the_filters_of_the_page(client):
    # given
    small = arrangement.scored(measurements={"parameters": 1_000_000}).repo
    large = arrangement.scored(measurements={"parameters": 50_000_000}).repo
    claim = claiming("digits")
    RepoFacts.objects.filter(repo=claim).update(parameters=1000)

    # when
    page = client.get("/leaderboards/digits?size=10M&claimed=1")
    as_json, as_csv = (
        client.get(next(link for link in links_of(page) if link.startswith(f"/api/v1/leaderboards/digits{dot}")))
        for dot in ("?", ".csv?")
    )

    # then
    assert [row["model"] for row in as_json.json()["results"]] == [small.full_name]
    assert [(row["model"], row["value"]) for row in as_json.json()["claims"]] == [(claim.full_name, 0.975)]
    rows = as_csv.content.decode().splitlines()
    assert large.full_name not in as_csv.content.decode()
    assert [row.rpartition(",")[2] for row in rows] == ["tier", "verified", "claimed"]


def test_claims_fit_in_no_memory_since_nothing_of_them_ran(client):
    arrangement.scored(measurements={"peak": {"rss_bytes": 10**9}})
    claiming("digits")

    page = text_of(client.get("/leaderboards/digits?memory=8&claimed=1"))

    assert "1 model shown." in page
    assert "claimed: 97.5" not in page
    assert "Claims are left out" in page


def test_a_benchmark_asked_for_is_chosen_in_the_form(client):
    arrangement.benchmark()
    repo = arrangement.model()

    asked = client.get(f"{repo.web_path}/evaluate?benchmark=digits").content.decode()
    nonsense = client.get(f"{repo.web_path}/evaluate?benchmark=nonsense").content.decode()

    assert 'value="digits" required checked' in asked
    assert asked.count(" required checked") == nonsense.count(" required checked") == 1


def test_a_board_says_how_many_a_filter_hides(client):
    arrangement.scored(measurements={"parameters": 50_000_000})

    seen = text_of(client.get("/leaderboards/digits?size=10M"))

    assert "No model fits these filters" in seen
    assert client.get("/leaderboards/digits?size=7M").status_code == 400
    assert client.get("/leaderboards/nope").status_code == 404


def test_a_private_models_results_are_private(client, signed_in):
    # given
    run = arrangement.scored(arrangement.model(visibility="private"))

    # then
    assert client.get(f"/runs/{run.pk}").status_code == 404
    assert client.get(f"/runs/{run.pk}/status").status_code == 404
    for path in ("/leaderboards/digits", "/leaderboards", "/runs", "/"):
        assert run.repo.web_path not in links_of(client.get(path))
        assert run.repo.web_path in links_of(signed_in(run.repo.created_by).get(path))


def test_a_run_is_asked_for_and_watched(signed_in):
    # given
    arrangement.benchmark()
    repo, person = arrangement.model(), signed_in(UserFactory())
    assert "Handwritten digits" in text_of(person.get(f"{repo.web_path}/evaluate"))

    # when
    response = person.post(f"{repo.web_path}/evaluate", {"benchmark": "digits", "revision": "main"})

    # then
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.pk}"
    assert "none is registered" in text_of(person.get(f"/runs/{run.pk}"))
    arrangement.node()
    assert "Waiting for a free node" in text_of(person.get(f"/runs/{run.pk}"))


def test_the_same_measurement_is_not_made_twice(signed_in):
    run = arrangement.scored()

    answer = signed_in(UserFactory()).post(
        f"{run.repo.web_path}/evaluate", {"benchmark": "digits", "revision": "main"}, follow=True
    )

    assert "This exact measurement exists already" in text_of(answer)
    assert Run.objects.count() == 1


def test_a_benchmark_that_does_not_fit_is_refused_with_its_reason(signed_in):
    arrangement.benchmark()
    repo = arrangement.model(labels={"0": "neg", "1": "pos"})

    answer = signed_in(UserFactory()).post(
        f"{repo.web_path}/evaluate", {"benchmark": "digits", "revision": "main"}, follow=True
    )

    assert "The model's labels (id2label) are not the benchmark's" in text_of(answer)
    assert not Run.objects.exists()


def test_progress_is_polled_with_empty_answers_while_nothing_changes(client):
    # given
    run = arrangement.running()
    path = f"/runs/{run.pk}/status"
    first = client.get(path)
    assert "1 / 10 items · 10 %" in text_of(first)
    assert 'hx-trigger="every 2s"' in first.content.decode()

    # when
    unchanged = client.get(path, headers={"If-None-Match": first["ETag"]})
    leases.heartbeat(**arrangement.grant(run), report=leases.Report(phase="running", done=5, total=10, rate=2.0))
    changed = client.get(path, headers={"If-None-Match": first["ETag"]})

    # then
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert "5 / 10 items" in text_of(changed)


def test_a_failed_run_names_its_reason_and_is_asked_for_no_more(client):
    # given
    run = arrangement.running()
    leases.fail_run(**arrangement.grant(run), reason="unsupported", message="Unknown architecture: FooNet.")

    # when
    status = client.get(f"/runs/{run.pk}/status")

    # then
    assert "Unknown architecture: FooNet." in text_of(status)
    assert "hx-trigger" not in status.content.decode()
    assert "ended here: run" in text_of(status)


def test_a_run_is_cancelled_by_who_asked_for_it(client, signed_in):
    # given
    person = UserFactory()
    run = arrangement.queued(actor=person)

    # then
    assert client.post(f"/runs/{run.pk}/cancel").status_code == 401
    assert signed_in(UserFactory()).post(f"/runs/{run.pk}/cancel").status_code == 403
    signed_in(person).post(f"/runs/{run.pk}/cancel")
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert signed_in(person).post(f"/runs/{run.pk}/cancel").status_code == 409


def test_a_cancelled_run_is_run_again(signed_in):
    # given
    run = arrangement.queued()
    runs.cancel_run(run=run)

    # when
    response = signed_in(UserFactory()).post(f"/runs/{run.pk}/again")

    # then
    again = Run.objects.latest("pk")
    assert again.pk != run.pk
    assert response["Location"] == f"/runs/{again.pk}"


def test_what_is_measured_is_told(client):
    arrangement.benchmark()

    assert "scikit-learn" in text_of(client.get("/benchmarks/digits"))
    assert "/leaderboards/digits" in links_of(client.get("/benchmarks"))


def test_lists_of_runs_and_scores_take_a_bounded_number_of_queries(client, django_assert_max_num_queries):
    # given
    for _ in range(3):
        arrangement.scored(measurements={"parameters": 1_000_000})

    # then
    with django_assert_max_num_queries(3):
        client.get("/runs")
    with django_assert_max_num_queries(6):  # what each item scored and its ids, and the heads of the models besides
        client.get("/leaderboards/digits")
    with django_assert_max_num_queries(7):  # one count, six facets
        client.get("/models/counted")
    with django_assert_max_num_queries(9):
        client.get("/models")


def test_two_models_are_compared_on_a_page(client):
    # given
    first, second = arrangement.scored_but_for(range(60)), arrangement.scored_but_for(range(50, 70))
    names = {"first": first.repo.full_name, "second": second.repo.full_name}

    # when
    table = client.get("/compare", names)
    items = client.get("/compare", {**names, "benchmark": "digits"})

    # then
    assert "second is better" in text_of(table)
    assert "10 : 50 of 599 items" in text_of(table)
    assert "50 items, 50 shown." in text_of(items)
    assert any(link.startswith("/api/v1/comparisons/items.csv?") for link in links_of(items))


def test_a_comparison_with_nothing_is_a_form_and_with_nonsense_says_why(client):
    assert "Compare models" in text_of(client.get("/compare"))
    assert "namespace/name" in text_of(client.get("/compare?first=x&second=y"))
    assert "Repository not found" in text_of(client.get("/compare?first=x/y&second=a/b"))
    assert client.get("/compare?which=nonsense").status_code == 400


def test_a_comparison_page_hides_private_models(client):
    open_run = arrangement.scored()
    secret = arrangement.scored(arrangement.model(visibility="private")).repo

    seen = text_of(client.get("/compare", {"first": open_run.repo.full_name, "second": secret.full_name}))

    assert "Repository not found" in seen
    assert "Verdict" not in seen
