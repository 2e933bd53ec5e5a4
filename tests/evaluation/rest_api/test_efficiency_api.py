"""What runs cost, for programs and on pages."""

import pytest
from django.core.cache import cache

from evaluation.queries.efficiency import fit_error
from tests.evaluation import arrangement, costs
from tests.pages.looking import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.delete("evaluation:fit-error")


def test_a_run_says_what_it_cost(raw_client):
    run = costs.scored()

    found = raw_client.get(f"/api/v1/runs/{run.pk}").json()["efficiency"]

    assert found["hardware_class"] == "Some CPU, 4 cores · float32 · native"
    assert (found["protocol"], found["node"], found["benchmark"]) == (1, run.node.name, "digits-cost")
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert figures["latency_p50_ms"] == {
        "name": "latency_p50_ms", "value": 2.5, "unit": "ms", "better": "lower", "n": 200, "detail": "batch 1",
        "reason": "",
    }  # fmt: skip
    assert figures["energy_joules_per_item"]["value"] is None
    assert next(iter(figures)) == "parameters"  # in the order of the table


def test_a_run_that_was_not_asked_says_nothing_of_cost(raw_client):
    run = arrangement.scored()

    assert raw_client.get(f"/api/v1/runs/{run.pk}").json()["efficiency"] is None


def test_a_model_lists_its_cost_by_hardware_class_and_can_be_asked_for_one(raw_client):
    repo = costs.model()
    costs.scored(repo)
    other = costs.scored(repo, hardware={"cpu": "Another CPU", "cores": 2}, again=True)
    path = f"/api/v1/models/{repo.full_name}/efficiency"

    everything = raw_client.get(path).json()
    one = raw_client.get(path, {"hardware": "Another CPU, 2 cores · float32 · native"}).json()

    assert [row["hardware_class"].split(",")[0] for row in everything["results"]] == ["Another CPU", "Some CPU"]
    assert [row["run"] for row in one["results"]] == [other.pk]
    assert everything["fit_error"] == {"mean": pytest.approx(0.05), "runs": 2}


def test_the_mean_error_of_the_estimate_stands_where_the_estimate_is_shown(client):
    repo = costs.scored().repo
    measured = costs.MEASURED | {"peak": {"rss_bytes": 3 * costs.GIGABYTE, "vram_bytes": None}}  # 2.1 of 3: -30 %
    costs.scored(measurements=measured)

    page = text_of(client.get(repo.web_path))

    assert fit_error().mean == pytest.approx((0.05 + 0.3) / 2)
    assert "In 2 measured runs such estimates were off by 18 % on average." in page


def test_nothing_measured_leaves_the_estimate_without_an_error(client):
    page = text_of(client.get(costs.model().web_path))

    assert "An estimate: the weights as stored" in page
    assert "on average" not in page


def test_run_page_and_scores_page_show_one_table_per_hardware_class(client):
    run = costs.scored()

    for path in (f"/runs/{run.pk}", f"{run.repo.web_path}/scores"):
        page = text_of(client.get(path))
        assert "Efficiency on Some CPU, 4 cores · float32 · native" in page
        assert "2.5 ms" in page
        assert "250,000,000" in page
        assert "+5 %" in page
        assert "1 figure could not be had" in page


def test_a_board_shows_cost_of_one_hardware_class_at_a_time(client, raw_client):
    run = costs.scored()
    costs.scored(hardware={"cpu": "Another CPU", "cores": 2})
    other = "Another CPU, 2 cores · float32 · native"

    usual = text_of(client.get("/leaderboards/digits-cost", {"x": "p50", "memory": "8"}))
    chosen = text_of(client.get("/leaderboards/digits-cost", {"hardware": other, "x": "memory"}))
    rows = raw_client.get("/api/v1/leaderboards/digits-cost", {"max_memory_gb": 2}).json()["results"]
    none = raw_client.get("/api/v1/leaderboards/digits-cost", {"max_memory_gb": 1}).json()["results"]

    assert f"Speed and memory: {other}; other hardware does not compare." in chosen
    assert "Speed and memory: " in usual
    assert "milliseconds, median" in usual
    assert {row["hardware_class"] for row in rows} == {other, "Some CPU, 4 cores · float32 · native"}
    assert [row["p50_ms"] for row in rows if row["run"] == run.pk] == [2.5]
    assert none == []
    assert client.get("/leaderboards/digits-cost", {"memory": "7"}).status_code == 400
