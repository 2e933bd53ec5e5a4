import pytest

from evaluation.models import ItemColumn
from evaluation.queries.leaderboard import BoardFilter, comparable, frontier, hardware_classes, leaderboard
from evaluation.queries.scores import scores_of
from tests.evaluation import arrangement, costs
from tests.factories import UserFactory


def p50(value):
    return {"efficiency": {"protocol": 1, "values": {"latency_p50_ms": {"value": value, "n": 200}}, "absent": {}}}


def test_the_frontier_is_what_nothing_smaller_beats():
    points = [(100.0, 0.9), (10.0, 0.8), (50.0, 0.7), (10.0, 0.6), (200.0, 0.9)]

    assert frontier(points, higher_is_better=True) == [1, 0]
    assert frontier([(1.0, 5.0), (2.0, 3.0), (3.0, 4.0)], higher_is_better=False) == [0, 1]
    assert frontier([], higher_is_better=True) == []


@pytest.mark.django_db
def test_a_board_ranks_what_the_reader_may_see():
    owner = UserFactory()
    best = arrangement.scored(arrangement.model(actor=owner, visibility="private"), measurements={"parameters": 10})
    good = arrangement.scored(wrong=100, measurements={"parameters": 1000})
    weak = arrangement.scored(wrong=400, measurements={"parameters": 2000})
    benchmark = arrangement.benchmark()

    for_all = leaderboard(benchmark, user=None)
    for_owner = leaderboard(benchmark, user=owner)

    assert [(row.score.run_id, row.rank) for row in for_all] == [(good.pk, "1"), (weak.pk, "2")]
    assert [(row.score.run_id, row.rank) for row in for_owner] == [(best.pk, "1"), (good.pk, "2"), (weak.pk, "3")]
    assert [row.is_frontier for row in for_all] == [True, False]
    assert [row.is_frontier for row in for_owner] == [True, False, False]


@pytest.mark.django_db
def test_a_board_narrows_by_size_and_licence():
    run = arrangement.scored(measurements={"parameters": 1000})
    run.repo.facts.licence = "mit"
    run.repo.facts.save()
    benchmark = arrangement.benchmark()

    def shown(**fields):
        return len(leaderboard(benchmark, user=None, narrowed=BoardFilter(**fields)))

    assert (shown(licence="mit"), shown(licence="gpl")) == (1, 0)
    assert (shown(parameters_max=1000), shown(parameters_max=999)) == (1, 0)


@pytest.mark.django_db
def test_a_board_costs_the_same_for_many_models(django_assert_max_num_queries):
    for _ in range(3):
        arrangement.scored()
    benchmark = arrangement.benchmark()

    with django_assert_max_num_queries(4):  # the scores, what each item scored and its ids, the heads of the models
        assert len(leaderboard(benchmark, user=None)) == 3


@pytest.mark.django_db
def test_models_that_fail_on_the_same_items_are_told_apart_where_intervals_overlap():
    better, worse = arrangement.scored_but_for(range(60)), arrangement.scored_but_for(range(75))
    benchmark = arrangement.benchmark()

    rows = leaderboard(benchmark, user=None)

    assert rows[1].score.high > rows[0].score.low
    assert [(row.score.run_id, row.rank) for row in rows] == [(better.pk, "1"), (worse.pk, "2")]


@pytest.mark.django_db
def test_models_that_fail_on_different_items_share_a_rank():
    arrangement.scored_but_for(range(60))
    arrangement.scored_but_for(range(300, 375))

    assert [row.rank for row in leaderboard(arrangement.benchmark(), user=None)] == ["1–2", "1–2"]


@pytest.mark.django_db
def test_where_one_run_kept_nothing_per_item_the_intervals_decide():
    better, worse = arrangement.scored_but_for(range(60)), arrangement.scored_but_for(range(75))
    ItemColumn.objects.filter(run=worse).delete()

    assert [row.rank for row in leaderboard(better.benchmark, user=None)] == ["1–2", "1–2"]


@pytest.mark.django_db
def test_ranks_follow_what_a_rescoring_kept_per_item():
    better, worse = arrangement.scored_but_for(range(60)), arrangement.scored_but_for(range(75))
    leaderboard(better.benchmark, user=None)

    ItemColumn.objects.filter(run=worse).delete()

    assert [row.rank for row in leaderboard(better.benchmark, user=None)] == ["1–2", "1–2"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "nonsense",
    [{"parameters": "many"}, {"parameters": -1}, p50(True), p50(1e300), {"peak": 3}, {"peak": {"rss_bytes": -1}}],
)
def test_figures_a_node_made_up_do_not_reach_the_board(nonsense):
    arrangement.scored(measurements=nonsense)

    row = leaderboard(arrangement.benchmark(), user=None)[0]

    assert (row.parameters, row.p50_ms, row.peak_bytes) == (None, None, None)


@pytest.mark.django_db
def test_scores_of_a_model_come_in_groups():
    run = arrangement.scored(wrong=10)

    group = scores_of(run.repo, None)[0]

    assert (group.benchmark, group.run, group.is_at_head) == (run.benchmark, run, True)
    assert group.primary.metric == "accuracy"
    assert {score.metric for score in group.others} == {"macro_f1", "ece", "brier", "log_loss"}
    assert group.slices == []


@pytest.mark.django_db
def test_speed_and_memory_of_other_hardware_are_not_put_beside_each_other():
    fast, other = costs.scored(), costs.scored(hardware={"cpu": "Another CPU", "cores": 2})
    third = costs.scored()
    rows = leaderboard(fast.benchmark, user=None)

    machines = hardware_classes(rows)
    shown = {row.score.run_id: row for row in comparable(rows, machines[0])}

    assert [name.split(",")[0] for name in machines] == ["Some CPU", "Another CPU"]
    assert shown[fast.pk].p50_ms == shown[third.pk].p50_ms == 2.5
    assert shown[fast.pk].peak_bytes == 2 * costs.GIGABYTE
    assert (shown[other.pk].p50_ms, shown[other.pk].peak_bytes) == (None, None)
    assert shown[other.pk].score.value == 1.0


@pytest.mark.django_db
def test_a_board_can_be_narrowed_to_what_fits_into_some_memory():
    small = costs.scored()
    costs.scored(measurements=costs.MEASURED | {"peak": {"rss_bytes": 1, "vram_bytes": 9 * costs.GIGABYTE}})
    costs.scored(measurements={})

    fitting = leaderboard(small.benchmark, user=None, narrowed=BoardFilter(memory_max=8 * costs.GIGABYTE))

    assert [row.score.run for row in fitting] == [small]
