"""What `make run` shows a visitor: the demo, seeded through the real paths, and taken away again."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest

from marketplace.demo.cast import MODELS, REVIEWS
from tests.e2e.conftest import Site
from tests.up import Up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

PATIENCE_SECONDS = 900  # trains, uploads, evaluates and reviews on a machine that may be busy


@pytest.fixture(scope="module")
def shown():
    """A site whose demo has arrived."""
    with tempfile.TemporaryDirectory(prefix="mm-demo-", ignore_cleanup_errors=True) as folder:
        up = Up(Path(folder).resolve(), with_demo=True)
        try:
            up.wait_for_line("the demo is complete", PATIENCE_SECONDS)
            yield Site(up)
        finally:
            if up.process.poll() is None:
                up.stop()


def test_the_demo_arrives_is_whole_and_goes_again(shown):
    public = {model.repo for model in MODELS if not model.is_private}

    models = {found["id"] for found in shown.api("GET", "models?limit=100")["results"]}
    runs = Counter(run["state"] for run in shown.api("GET", "runs?limit=100")["results"])
    board = shown.api("GET", "leaderboards/langid")["results"]
    summary = shown.api("GET", "models/lingua-lab/all-MiniLM-L6-v2/rating")["summary"]

    assert models == public
    assert runs["failed"] == 1
    assert runs["succeeded"] == sum(len(model.benchmarks) for model in MODELS if not model.is_private) - 1
    assert board[0]["value"] > 0.75  # a good one
    assert board[-1]["value"] < 0.3  # and the weak one
    assert summary["count"] == sum(review.repo.endswith("all-MiniLM-L6-v2") for review in REVIEWS)
    assert 0 < summary["verified_share"] < 1

    assert f"{len(MODELS) + 1} repos" in shown.command("demo", "remove")  # and the data set
    assert shown.api("GET", "models")["results"] == []
    assert '"problem"' not in shown.command("fsck")
