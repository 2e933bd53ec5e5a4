import pytest

from evaluation.actions import sentinels
from evaluation.models import Run, SentinelCheck
from evaluation.queries import drift
from tests.evaluation import arrangement

pytestmark = pytest.mark.django_db


def test_a_busy_node_hides_no_other():
    sentinel = sentinels.add_sentinel(repo=arrangement.model(), benchmark=arrangement.benchmark())
    quiet, busy = arrangement.node("quiet"), arrangement.node("busy")
    runs = Run.objects.bulk_create(
        Run(
            repo=sentinel.repo, benchmark=sentinel.benchmark, commit_oid=sentinel.commit_oid, revision="main",
            run_key=str(number), kind=Run.Kind.SENTINEL, state=Run.State.SUCCEEDED,
        )
        for number in range(1001)
    )  # fmt: skip
    SentinelCheck.objects.bulk_create(
        SentinelCheck(
            sentinel=sentinel, node=busy if number else quiet, run=run, value=1, expected=1, tolerance=0,
            verdict=SentinelCheck.Verdict.STEADY,
        )
        for number, run in enumerate(runs)
    )  # fmt: skip

    shown = {one.node.name: [check.run_id for check in one.checks] for one in drift.drift_of_nodes()}

    assert shown == {"busy": [run.pk for run in reversed(runs[-10:])], "quiet": [runs[0].pk]}
