"""Which test files start first: the longest, so that two workers end together.

xdist's `loadfile` hands out files in the order of collection when `--no-loadscope-reorder` is given. Its own order,
by the number of tests, puts the longest files last, which have few tests of a minute each. The list is by hand, from
`--durations`: a file that is missing here costs time, nothing else.
"""

from __future__ import annotations

import pytest

LONGEST_FIRST = (
    "tests/staging/",
    "tests/e2e/test_demo.py",
    "tests/browser/test_every_page.py",
    "tests/e2e/",
    "tests/evaluation/test_circle.py",
    "tests/browser/",
    "tests/bench/",
    "tests/access_matrix/",
    "tests/soak/",
    "tests/evaluation/runner/",
    "tests/evaluation/node/",
    "tests/hub_conformance/",
    "tests/git_clients/",
    "tests/platform/",
    "tests/evaluation/",
)


def rank(item: pytest.Item) -> int:
    path = item.nodeid.partition("::")[0]
    return next((place for place, start in enumerate(LONGEST_FIRST) if path.startswith(start)), len(LONGEST_FIRST))
