"""Fields of a repo that are only worked out when somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Sum

from catalog.models import Repo, RepoBlob, RepoFacts

MOST_SPACES: Final = 100


def used_storage(repos: Sequence[Repo]) -> dict[int, int]:
    """Returns repo id → logical bytes of all it holds, old revisions and waiting uploads included."""
    rows = RepoBlob.objects.filter(repo__in=repos).order_by().values_list("repo").annotate(total=Sum("blob__size"))
    return {repo.pk: 0 for repo in repos} | dict(rows)


def children_count(repo: Repo) -> int:
    """How many public models say they come from this one."""
    public = Repo.objects.visible_to(None).filter(kind=Repo.Kind.MODEL)
    return public.filter(facts__tags__contains=[f"base_model:{repo.full_name}"]).count()


def spaces_of(repo: Repo) -> list[str]:
    """Public spaces whose card names this repo."""
    key = "models" if repo.kind == Repo.Kind.MODEL else "datasets"
    public = Repo.objects.visible_to(None).filter(
        kind=Repo.Kind.SPACE, facts__card_data__contains={key: [repo.full_name]}
    )
    found = public.select_related("namespace").order_by("-facts__likes", "pk")[:MOST_SPACES]
    return [space.full_name for space in found]


def transformers_info(facts: RepoFacts) -> dict[str, Any] | None:
    """Which class loads the model. Clients accept no other keys."""
    auto_model = (facts.config or {}).get("auto_model")
    if facts.library != "transformers" or not auto_model:
        return None
    info: dict[str, Any] = {"auto_model": auto_model}
    return info | ({"pipeline_tag": facts.task} if facts.task else {})


def from_card(facts: RepoFacts, key: str) -> Any:  # noqa: ANN401  a JSON value
    return (facts.card_data or {}).get(key)
