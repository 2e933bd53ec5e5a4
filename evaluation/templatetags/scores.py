"""Scores on any page: looked up here, so that the catalogue need not know that evaluation exists."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.contrib.auth.models import AnonymousUser

from catalog.models import Repo, RepoFacts, User
from evaluation.metrics.costs import COSTS
from evaluation.metrics.registry import FIGURES
from evaluation.models import Run, Score
from evaluation.pages import costs, numbers
from evaluation.queries import classes, headlines
from evaluation.queries.claims import ClaimRow
from evaluation.queries.efficiency import FitError, fit_error

register = template.Library()

register.filter("figure_value", costs.value_text)
register.filter("as_percent", costs.percent_text)
register.filter("score_value", numbers.value_text)
register.filter("score_interval", numbers.interval_text)
register.filter("score_range", numbers.range_text)
register.filter("first_value", numbers.first_value_text)
register.filter("second_value", numbers.second_value_text)
register.filter("difference_value", numbers.difference_text)
register.filter("difference_range", numbers.difference_range_text)
register.filter("signed", numbers.signed)
register.filter("as_share", numbers.share_text)
register.filter("p_value", numbers.p_text)
register.filter("written", numbers.written)
register.filter("as_words", numbers.words_of)
register.filter("percent_of", numbers.percent_of)
register.filter("node_class", classes.shown)


@register.filter
def metric_title(name: str) -> str:
    """What people call a metric; one we do not know keeps its name."""
    return FIGURES[name].title if name in FIGURES else name


@register.filter
def metric_description(name: str) -> str:
    return FIGURES[name].description if name in FIGURES else ""


@register.filter
def figure_title(name: str) -> str:
    return str(COSTS[name].title) if name in COSTS else name


@register.filter
def figure_description(name: str) -> str:
    return str(COSTS[name].description) if name in COSTS else ""


@register.simple_tag
def memory_error() -> FitError | None:
    """How far the estimate of memory was from what was measured, on average."""
    return fit_error()


@register.simple_tag
def leading_scores(rows: Iterable[RepoFacts]) -> dict[int, Score]:
    """Repo id → its newest verified score, for a whole list at once."""
    return headlines.leading_scores(facts.repo_id for facts in rows)


@register.simple_tag
def leading_score(repo: Repo) -> Score | None:
    return headlines.leading_scores([repo.pk]).get(repo.pk)


@register.simple_tag
def score_count(repo: Repo) -> int:
    return headlines.score_count(repo)


@register.simple_tag
def newest_results(user: User | AnonymousUser, limit: int = 6) -> list[Score]:
    return headlines.newest_results(user if isinstance(user, User) else None, limit=limit)


@register.inclusion_tag("components/score.html")
def score_badge(score: Score | None, tier: str = "verified") -> dict[str, object]:
    """✓ 91.4 ±0.8: the mark of its tier, the value, half its interval, no digit more than the interval bears."""
    return {"score": score, "tier": tier}


@register.inclusion_tag("components/claim.html")
def claim_badge(claim: dict[str, object]) -> dict[str, object]:
    """○ 84.1: what somebody states, hollow."""
    return {"claim": claim}


@register.inclusion_tag("components/claim.html")
def claimed_value(row: ClaimRow) -> dict[str, object]:
    """○ 84.1 beside a board, in the unit of its scores."""
    return {"claim": {"value": f"{row.value * 100:.1f}" if row.is_proportion else f"{row.value:g}"}}


@register.inclusion_tag("components/run_state.html")
def run_state(run: Run) -> dict[str, object]:
    return {"run": run}
