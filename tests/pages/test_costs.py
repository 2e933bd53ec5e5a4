import pytest

from evaluation.models import Figure
from evaluation.pages import costs


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (199_709.4, "1/s", "199,709 /s"),
        (120.4, "ms", "120 ms"),
        (1.175464, "ms", "1.18 ms"),
        (645_888, "FLOP", "646 kFLOP"),
        (0.25, "ratio", "+25 %"),
        (None, "J", "–"),
    ],
)
def test_figures_are_written_with_three_digits_and_thousands_apart(value, unit, shown):
    assert costs.value_text(Figure(value=value, unit=unit)).replace("\u00a0", " ") == shown
