"""How many digits values have, alone and beside each other."""

import pytest

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


@pytest.mark.django_db
def test_the_page_shows_them_so(client):
    first, second = arrangement.scored(wrong=60), arrangement.scored(wrong=30)
    second.scores.filter(metric="accuracy").update(low=0.95, value=0.95, high=0.95)

    page = client.get("/compare", {"first": first.repo.full_name, "second": second.repo.full_name}).content.decode()

    assert '<td class="num">90.0</td>\n      <td class="num">95.0</td>' in page
