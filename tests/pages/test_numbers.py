"""How many digits values have, alone and beside each other."""

import math

import pytest

from evaluation.metrics.pairing import Difference
from evaluation.models import Score
from evaluation.pages import numbers
from evaluation.queries.comparisons import Compared
from tests.evaluation import arrangement


def score(value, half, unit="proportion"):
    low, high = (None, None) if half is None else (value - half, value + half)
    return Score(value=value, low=low, high=high, unit=unit)


def beside(first, second):
    row = Compared(first, second, None)
    return f"{numbers.first_value_text(row)} | {numbers.second_value_text(row)}"


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (score(0.09, 0.01), score(0.01, 0.0), "9.0 | 1.0"),  # an interval without width is none
        (score(0.09, 0.0), score(0.01, 0.0), "9.0 | 1.0"),
        (score(0.09, 0.01), score(0.01, None), "9.0 | 1.0"),
        (score(0.5, 0.2), score(0.25, 0.0005), "50 | 25"),
        (score(2.5, 0.02, "nats"), score(1.25, 0.03, "nats"), "2.50 | 1.25"),
        (score(2.5, None, "nats"), score(1.25, None, "nats"), "2.500 | 1.250"),
    ],
)
def test_both_values_of_a_comparison_have_the_same_digits(first, second, shown):
    assert beside(first, second) == shown


HUGE = 17241656326794974.0


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (HUGE, 2.5e15, "1.72e16 ±2.50e15 1.47e16 – 1.97e16"),
        (HUGE, None, "1.72e16  –"),
        (999_999.0, None, "999999.000  –"),
        (math.inf, None, "inf  –"),
    ],
)
def test_a_huge_value_is_a_power_of_ten(value, half, shown):
    one = score(value, half, "perplexity")

    texts = (numbers.value_text(one), numbers.interval_text(one), numbers.range_text(one))
    assert " ".join(texts) == shown


def test_a_huge_value_beside_another_is_one_too():
    first, second = score(HUGE, 2.5e15, "perplexity"), score(41.4, 0.3, "perplexity")
    row = Compared(first, second, Difference(HUGE, 1.47e16, 1.97e16, 0.01, "paired bootstrap", 9))

    assert beside(first, second) == "1.72e16 | 41"
    assert numbers.difference_text(row) == "+1.72e16"
    assert numbers.difference_range_text(row) == "+1.47e16 – +1.97e16"


@pytest.mark.django_db
def test_the_page_shows_them_so(client):
    first, second = arrangement.scored(wrong=60), arrangement.scored(wrong=30)
    second.scores.filter(metric="accuracy").update(low=0.95, value=0.95, high=0.95)

    page = client.get("/compare", {"first": first.repo.full_name, "second": second.repo.full_name}).content.decode()

    assert '<td class="num">90.0</td>\n      <td class="num">95.0</td>' in page
