"""The suite in numbers, for docs/coverage.md and its page: modules that ask the hub anything, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.staging import ledger, sdist
from tests.staging.running import Result


def of(results: Sequence[Result], entries: Sequence[ledger.Entry]) -> dict[str, Any]:
    """Returns counts by kind, in all and for each module of which some test ran, and the reasons with their counts."""
    by_module: dict[str, Counter[str]] = {}
    for one in results:
        by_module.setdefault(one.module, Counter())[one.kind] += 1
    total = sum(by_module.values(), Counter())
    shown = {name: counts for name, counts in by_module.items() if counts["passed"] or counts["failed"]}
    return {
        "version": sdist.VERSION,
        "counts": dict(total),
        "kinds": [kind for kind, _ in total.most_common() if any(counts[kind] for counts in shown.values())],
        "modules": [{"module": name, "counts": dict(counts)} for name, counts in shown.items()],
        "left_out": [
            {"kind": entry.kind, "why": entry.why.strip(), "tests": _left_out(entry, results)} for entry in entries
        ],
    }


def _left_out(entry: ledger.Entry, results: Sequence[Result]) -> int:
    return sum(any(ledger.covers(start, one.test) for start in entry.tests) for one in results if one.is_left_out)
