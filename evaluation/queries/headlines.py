"""The few scores that pages of the catalogue show beside a name: verified here, newest first.

Only those on benchmarks of the site: what a team measures for itself stays on pages that ask who reads them.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from catalog.models import Repo, User
from evaluation.models import Benchmark, Score


def leading_scores(repo_ids: Iterable[int]) -> dict[int, Score]:
    """The newest verified overall score of each repo, its benchmark and run selected. One query for a whole list.

    One on a draft is shown only where there is no other: drafts are for whoever asked.
    """
    newest = (
        Score.objects.leading()
        .for_everybody()
        .filter(repo_id__in=list(repo_ids))
        .select_related("benchmark")
        .alias(is_draft=Q(benchmark__status=Benchmark.Status.DRAFT))
        .order_by("repo_id", "is_draft", "-created_at", "-pk")
        .distinct("repo_id")
    )
    return {score.repo_id: score for score in newest}


def score_count(repo: Repo) -> int:
    """On how many benchmarks this repo has a verified score."""
    return Score.objects.leading().for_everybody().filter(repo=repo).count()


def newest_results(user: User | None, *, limit: int) -> list[Score]:
    """The latest verified scores of models this person may see."""
    return list(
        Score.objects.leading()
        .for_everybody()
        .visible_to(user)
        .select_related("benchmark", "run", "repo__namespace", "repo__facts")
        .defer("repo__facts__document", "repo__facts__card_html", "repo__facts__card_data")
        .order_by("-created_at", "-pk")[:limit]
    )
