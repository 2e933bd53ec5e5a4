"""Which score stands beside a model's name."""

import pytest

from evaluation.models import Benchmark, Score
from evaluation.queries.headlines import leading_scores
from tests.evaluation import arrangement, costs

pytestmark = pytest.mark.django_db


def test_a_draft_is_shown_only_where_there_is_nothing_else():
    repo = costs.model()
    measured = arrangement.scored(repo)  # on `digits`
    tried = costs.scored(repo)  # on `digits-cost`, later
    drafts = Benchmark.objects.filter(pk=tried.benchmark_id)

    newest = leading_scores([repo.pk])[repo.pk]
    drafts.update(status="draft")
    of_site = leading_scores([repo.pk])[repo.pk]
    Score.objects.filter(run=measured).update(is_current=False)
    alone = leading_scores([repo.pk])[repo.pk]

    assert [newest.run, of_site.run, alone.run] == [tried, measured, tried]
