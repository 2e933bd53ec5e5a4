from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.pages import charts
from evaluation.pages.charts import Datum


def datum(x: float, y: float, name: str = "ann/m", spread: float = 1.0) -> Datum:
    return Datum(x=x, y=y, low=y - spread, high=y + spread, name=name, href="/ann/m")


def test_nothing_to_draw_is_no_chart():
    assert charts.scatter([], higher_is_better=True) is None


def test_the_frontier_is_what_nothing_smaller_beats():
    chart = charts.scatter(
        [datum(1e6, 80, "small"), datum(1e7, 70, "worse"), datum(1e8, 90, "large")], higher_is_better=True
    )

    assert {point.datum.name for point in chart.points if point.is_frontier} == {"small", "large"}
    assert chart.staircase.startswith("M")
    assert chart.staircase.count("V") == 1


def test_lower_scores_win_where_lower_is_better():
    chart = charts.scatter([datum(1e6, 2.0, "good"), datum(1e7, 5.0, "bad")], higher_is_better=False)

    assert [point.datum.name for point in chart.points if point.is_frontier] == ["good"]


def test_far_sizes_stand_on_powers_of_ten_and_near_ones_fill_the_width():
    far = charts.scatter([datum(3e6, 50), datum(7e8, 60)], higher_is_better=True)
    near = charts.scatter([datum(76_000, 50), datum(547_000, 60)], higher_is_better=True)

    assert [tick.words for tick in far.x_ticks] == ["10M", "100M", "1B"]
    assert [tick.words for tick in near.x_ticks] == ["50K", "100K", "200K", "500K", "1M"]


def test_huge_scores_are_powers_of_ten_that_differ():
    far = charts.scatter([datum(1e6, 40), datum(1e7, 1.7e16)], higher_is_better=False)
    near = charts.scatter([datum(1e6, 50_010_000), datum(1e7, 50_040_000)], higher_is_better=False)

    assert [tick.words for tick in far.y_ticks] == ["0", "5.0e15", "1.0e16", "1.5e16", "2.0e16"]
    assert len({tick.words for tick in near.y_ticks}) == len(near.y_ticks)


def test_the_name_of_the_best_does_not_cover_that_of_the_metric():
    chart = charts.scatter([datum(1e6, 100, "ann/m", 0), datum(1e7, 90, spread=2)], higher_is_better=True)

    best = next(point for point in chart.points if point.is_frontier)

    assert best.y == chart.top
    assert best.label_y > chart.top


def test_one_model_alone_has_a_chart():
    chart = charts.scatter([Datum(1e6, 0.0, None, None, "only", "/x")], higher_is_better=True)

    assert len(chart.points) == 1


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(1, 1e13), st.floats(-1e6, 1e6), st.floats(0, 100)).map(
            lambda drawn: datum(drawn[0], drawn[1], spread=drawn[2])
        ),
        min_size=1,
        max_size=40,
    )
)
def test_every_dot_whisker_and_name_lies_inside_the_drawing(data):
    chart = charts.scatter(data, higher_is_better=True)

    assert len(chart.points) == len(data)
    for point in chart.points:
        assert chart.left <= point.x <= chart.right
        assert chart.top - 0.1 <= point.y <= chart.bottom + 0.1
        assert chart.top - 0.1 <= point.whisker[0] <= point.whisker[1] <= chart.bottom + 0.1
        if point.label:
            assert 0 < point.label_x < chart.width
            assert 0 < point.label_y < chart.height
