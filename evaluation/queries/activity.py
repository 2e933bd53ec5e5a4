"""Verified scores among the activity of repos."""

from __future__ import annotations

from catalog.queries.activity import Asked, Found, Happening, in_order
from evaluation.models import Score


def scores(asked: Asked) -> Found:
    """Overall scores that still count."""
    rows = asked.newest(
        Score.objects.leading().for_everybody().select_related("benchmark", "repo__namespace"),
        at="created_at",
    )
    told = (
        Happening(
            f"score-{row.pk}", row.created_at, "score", row.repo,
            path=f"/runs/{row.run_id}", oid=row.commit_oid, title=row.benchmark.title, score=row,
        )
        for row in rows
    )  # fmt: skip
    return in_order(rows, "created_at", told)
