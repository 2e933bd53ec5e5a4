"""The scores of one model, ready for its page and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from catalog.models import Repo, User
from evaluation.metrics.registry import DERIVED
from evaluation.models import Benchmark, Run, Score
from evaluation.queries.runs import attempts_by_benchmark
from evaluation.queries.staleness import stale_of_repo


@dataclass(frozen=True)
class BenchmarkScores:
    """Everything one run measured."""

    benchmark: Benchmark
    run: Run
    primary: Score | None
    others: list[Score]  # further metrics, over all items
    slices: list[Score]  # the primary metric on parts of the items
    is_at_head: bool  # measured on the head of the default branch
    is_stale: bool  # weights, config or tokenizer changed since
    attempts: int  # runs of this model on this benchmark, whatever came of them


def scores_of(repo: Repo, user: User | None) -> list[BenchmarkScores]:
    """The current scores of a model that this person may see, one group per benchmark, newest version first.

    Claims stand in `RepoFacts.claims`; nobody here has checked them, so they are never among these.
    """
    scores = Score.objects.filter(repo=repo, is_current=True).visible_to(user).select_related("benchmark", "run")
    ordered = scores.defer("run__log").order_by("benchmark__title", "-benchmark__version", "run_id", "pk")
    groups = [list(group) for _, group in groupby(ordered, key=lambda score: score.run_id)]
    head = _head_of(repo)
    stale = stale_of_repo(repo, (group[0].run for group in groups))
    attempts = attempts_by_benchmark(repo)
    return [_grouped(group, head, stale, attempts[group[0].benchmark.slug]) for group in groups]


def scores_of_run(run: Run) -> list[Score]:
    """The primary metric first, then the others, then slices."""
    # Sorted here, so that a list of runs uses the scores it has fetched already.
    valid = [score for score in run.scores.all() if not score.is_superseded]
    return sorted(valid, key=lambda score: (not score.is_primary, score.slice != "", score.pk))


def parts_of(scores: Sequence[Score]) -> list[Score]:
    """Metrics on parts of the items, without what follows from several."""
    return [score for score in scores if score.slice and score.metric not in DERIVED]


def derived_of(scores: Sequence[Score]) -> list[Score]:
    """What follows from several scores, such as the gap between groups."""
    return [score for score in scores if score.metric in DERIVED]


def superseded_scores_of(run: Run) -> list[Score]:
    """What earlier versions of the metrics said, newest first."""
    return sorted((score for score in run.scores.all() if score.is_superseded), key=lambda score: -score.pk)


def _grouped(scores: list[Score], head: str, stale: set[int], attempts: int) -> BenchmarkScores:
    first = scores[0]
    metric = first.benchmark.primary_metric
    return BenchmarkScores(
        benchmark=first.benchmark,
        run=first.run,
        primary=next((score for score in scores if score.is_primary and not score.slice), None),
        others=[score for score in scores if not score.is_primary and not score.slice],
        slices=[score for score in scores if score.slice and score.metric == metric],
        is_at_head=first.commit_oid == head,
        is_stale=first.run_id in stale,
        attempts=attempts,
    )


def _head_of(repo: Repo) -> str:
    facts = getattr(repo, "facts", None)
    return facts.commit.oid if facts is not None and facts.commit is not None else ""
