"""Filters: the answer out of a text, or none."""

import pytest

from evaluation.benchmarks.schema import Filter
from evaluation.errors import BadOutput
from evaluation.metrics.texts import filters
from evaluation.metrics.texts.filters import BadFilter, applied, check_filter
from evaluation.metrics.texts.measure import Output


def after(uses, *texts):
    return [output.text if output.found else None for output in applied(uses, [out(text) for text in texts])]


def out(text):
    return Output(text=text, tokens=1, truncated=False)


@pytest.mark.parametrize(
    ("use", "text", "answer"),
    [
        ("strip", "  a b \n", "a b"),
        ("first-line", "\n\n  one \ntwo", "one"),
        ("first-line", " \n ", None),
        ("number", "It is 1,250.50 and then 72", "72"),
        ("number", "so $1,250.00.", "1250"),
        ("number", "-0.50", "-0.5"),
        ("number", "-0", "0"),
        ("number", "007", "7"),
        ("number", ".5", "0.5"),
        ("number", "none at all", None),
        (Filter(name="regex", pattern=r"#### (-?\d+)"), "x #### 4 y #### 5", "4"),
        (Filter(name="regex", pattern=r"#### (-?\d+)", which="last"), "x #### 4 y #### 5", "5"),
        (Filter(name="regex", pattern=r"[A-D]", group=0), "The answer is C.", "C"),
        (Filter(name="regex", pattern=r"(a)|b"), "b", None),
        (Filter(name="regex", pattern=r"zzz", group=0), "b", None),
    ],
)
def test_an_answer_is_found_or_there_is_none(use, text, answer):
    assert after([use], text) == [answer]


def test_filters_come_in_their_order_and_leave_what_has_no_answer_alone():
    assert after(["first-line", "number"], "a 1\n2") == ["1"]
    assert after(["number", "first-line"], "a 1\n2") == ["2"]
    assert after(["number", "strip"], "nothing") == [None]


def test_the_majority_of_texts_is_one_answer():
    assert after(["number", "majority"], "1", "2", "or 2", "none", "none") == ["2"]
    assert after(["number", "majority"], "2", "1") == ["2"]
    assert after(["number", "majority"], "none", "none") == [None]


def test_a_pattern_that_explodes_is_stopped_when_it_meets_its_text(monkeypatch):
    monkeypatch.setattr(filters, "SECONDS", 0.2)
    slow = Filter(name="regex", pattern=r"^(z|zz|z{3})*$", group=0)
    monkeypatch.setattr(filters, "TRIALS", ())
    check_filter(slow)

    with pytest.raises(BadOutput, match="takes too long"):
        applied([slow], [out("z" * 5000 + "?")])


@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*?,){12}P"])
def test_patterns_with_nested_repeats_are_refused_at_once(pattern):
    with pytest.raises(BadFilter, match="too long"):
        check_filter(Filter(name="regex", pattern=pattern, group=0))
