"""What happens later in evaluation: a word to the scoring worker, and one to nodes that wait.

Both are only nudges, sent when the transaction commits; rows are the truth (security 13) and
`evaluation.sweep` repeats what was lost.
"""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from catalog.jobs import after_commit
from evaluation.models import Run

SCORE_RUN = "evaluation.score_run"
RESCORE_RUN = "evaluation.rescore_run"
TASK_NAMES = (SCORE_RUN, RESCORE_RUN)
CHANNEL = "evaluation_queued"  # PostgreSQL's NOTIFY; the payload is the name of the queue


def score_run(run: Run) -> None:
    """Have a trusted worker score this run."""
    Run.objects.filter(pk=run.pk).update(nudged_at=timezone.now())
    after_commit(SCORE_RUN, run.pk)


def rescore_run(run_id: int) -> None:
    """Have a trusted worker apply the metrics of today to a run that is done."""
    after_commit(RESCORE_RUN, run_id)


def wake_nodes(queue: str) -> None:
    """Tell the nodes that wait for this queue; PostgreSQL delivers it when the transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, queue])
