"""huggingface_hub's own test suite, unmodified, against one running site."""

from __future__ import annotations

import pytest

from tests.staging import ledger, site
from tests.staging.running import IN_PARALLEL, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def results():
    with site.running() as constants:
        return run(constants, options=IN_PARALLEL)


def test_every_test_of_theirs_passes_unless_the_ledger_says_why_not(results):
    assert [f"{one.test}: {one.reason[-600:]}" for one in results if one.outcome == "failed"] == []
    assert any(one.reached for one in results)


def test_the_ledger_names_only_tests_that_there_are(results):
    assert ledger.stale(ledger.entries(), [one.test for one in results]) == []
