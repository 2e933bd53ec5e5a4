"""What is left out of the client's own suite is left out by name, for a reason, once."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.staging import ledger, summary
from tests.staging.running import Result


def result(test: str, outcome: str = "passed", *, reason: str = "", reached: int = 0) -> Result:
    return Result(test=test, outcome=outcome, reason=reason, seconds=0.1, reached=reached)


def test_every_entry_has_a_known_kind_and_a_reason_and_names_tests_once():
    entries = ledger.entries()

    starts = Counter(start for entry in entries for start in entry.tests)
    assert [start for start, times in starts.items() if times > 1] == []
    nested = [(a, b) for a in starts for b in starts if a != b and ledger.covers(a, b)]
    assert nested == []


def test_no_gap_of_ours_is_open():
    assert [entry for entry in ledger.entries() if entry.kind == "gap"] == []


@pytest.mark.parametrize(
    ("start", "test", "is_covered"),
    [
        ("test_a.py", "test_a.py::TestX::test_y", True),
        ("test_a.py::TestX", "test_a.py::TestX::test_y[1]", True),
        ("test_a.py::test_y", "test_a.py::test_y[1]", True),
        ("test_a.py::test_y", "test_a.py::test_yes", False),
        ("test_a.py::TestX", "test_a.py::TestXY::test_y", False),
    ],
)
def test_a_start_ends_where_a_name_ends(start, test, is_covered):
    assert ledger.covers(start, test) is is_covered


def test_a_name_without_a_test_is_stale():
    entries = [ledger.Entry("gap", "Later.", ("test_a.py::TestX", "test_b.py"))]

    assert ledger.stale(entries, ["test_a.py::TestX::test_y"]) == ["test_b.py"]


def test_the_summary_counts_what_asked_the_hub_apart():
    entry = ledger.Entry("out of scope", "No papers here.", ("test_a.py::TestPapers",))
    results = [
        result("test_a.py::test_one", reached=2),
        result("test_a.py::test_two"),
        result("test_a.py::test_three", "failed", reason="assert"),
        result("test_a.py::TestPapers::test_x", "skipped", reason="Skipped: ledger: out of scope"),
        result("test_b.py::test_windows", "skipped", reason="Skipped: only on Windows"),
    ]

    found = summary.of(results, [entry])

    assert found["counts"] == {
        "passed": 1, "passed without the hub": 1, "failed": 1, "out of scope": 1, "skips itself": 1,
    }  # fmt: skip
    assert [one["module"] for one in found["modules"]] == ["test_a.py"]
    assert found["left_out"] == [{"kind": "out of scope", "why": "No papers here.", "tests": 1}]
