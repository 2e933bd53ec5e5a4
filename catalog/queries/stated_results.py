"""What models state of themselves on one dataset, best first. Stated, not measured: see `.eval_results`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from catalog.models import Repo, RepoFacts, User

MOST_MODELS: Final = 1000
HEAVY: Final = ("document", "card_html", "card_data", "claims", "file_problems", "config")


@dataclass(frozen=True)
class StatedResult:
    """One number of one model; its repo and namespace are at hand."""

    repo: Repo
    filename: str
    value: float
    source: dict[str, str] | None
    notes: str


def stated_results(dataset: Repo, *, reader: User | None, with_derived: bool) -> list[StatedResult]:
    """Returns the numbers that models this reader may see state on a dataset, larger ones first.

    Args:
        with_derived: also of models that name a base model.
    """
    named = dataset.full_name
    rows = RepoFacts.objects.filter(
        kind=Repo.Kind.MODEL,
        repo__in=Repo.objects.visible_to(reader),
        eval_results__contains=[{"data": {"dataset": {"id": named}}}],
    )
    if not with_derived:
        rows = rows.filter(base_models=[])
    selected = rows.select_related("repo__namespace__user__namespace", "repo__namespace__organisation__namespace")
    found = [
        result for facts in selected.defer(*HEAVY).order_by("repo_id")[:MOST_MODELS] for result in _of(facts, named)
    ]
    return sorted(found, key=lambda one: -one.value)


def _of(facts: RepoFacts, dataset: str) -> list[StatedResult]:
    results = []
    for stated in facts.eval_results:
        data = stated.get("data") or {}
        value = data.get("value")
        if data.get("dataset", {}).get("id") == dataset and isinstance(value, int | float) and value is not True:
            notes = str(data.get("notes", ""))
            results.append(StatedResult(facts.repo, stated["filename"], value, data.get("source"), notes))
    return results
