"""Finding repos: one query behind the pages, `/api/v1` and `list_models`.

The rows come first and fast; counts and facets may be late (decision 16), see `facets.py`.
"""

from __future__ import annotations

import re
from typing import Final

from django.contrib.postgres.search import SearchRank
from django.db.models import Expression, ExpressionWrapper, F, FloatField, Q, Value
from django.db.models.functions import Ln

from catalog.models import Repo, RepoFacts, User
from catalog.models.repo import RepoQuerySet
from catalog.queries.paging import Cursor, IsBeyond, Key, Page
from catalog.queries.search_document import Matches, asked_as, question
from catalog.queries.search_request import RELEVANCE, SearchRequest

RANKED_MATCHES: Final = 500  # relevance is judged among the most downloaded matches
LEAST_RATINGS: Final = 3  # fewer say nothing, so a minimum rating matches none of them
_WEIGHTS: Final = [0.05, 0.15, 0.6, 1.0]  # card; tags, task and parts of ids; title; id
_ID = re.compile(r"([A-Za-z0-9._-]{1,96})/([A-Za-z0-9._-]{1,96})", re.ASCII)
_COLUMNS: Final = {
    RELEVANCE: "score",
    "downloads": "facts__downloads",
    "rating": "facts__rating_sort",
    "updated": "facts__updated_at",
    "created": "facts__pk",  # ids grow with time
    "size": "facts__total_bytes",
}
_HEAVY: Final = ("facts__document", "facts__card_html", "facts__claims", "facts__file_problems", "facts__commit__raw")
_CARD: Final = ("facts__card_data", "facts__config", "facts__card_problems")


def find_repos(request: SearchRequest, *, user: User | None, with_card: bool = False) -> Page[RepoFacts]:
    """Returns one page of what this person may see and asked for.

    Each item has its repo, namespace, mirror and commit at hand. A text that is the exact id of a repo
    puts it first on the first page.

    Args:
        with_card: load `card_data` and `config`, too.

    Raises:
        InvalidCursor: the cursor is not ours or belongs to another search.
    """
    cursor = Cursor.unseal(request.cursor, request.fingerprint) if request.cursor else None
    exact = _exact_match(request, user)
    rows = _listed(_ordered(request, user), with_card=with_card)
    if exact is not None:
        rows = rows.exclude(pk=exact)
    page = _page_of(rows, request, cursor)
    if exact is not None and cursor is None:
        first = _listed(Repo.objects.visible_to(user).filter(pk=exact), with_card=with_card)
        return Page([*(repo.facts for repo in first), *page.items], page.next_cursor, page.previous_cursor)
    return page


def matching(request: SearchRequest, user: User | None) -> RepoQuerySet:
    """All repos that answer a request, in no order: what counts and facets are made from."""
    repos = filtered(request, user)
    asked = _question(request)
    return repos if asked is None else repos.filter(Matches(asked))


def filtered(request: SearchRequest, user: User | None) -> RepoQuerySet:
    """All visible repos that pass the filters, whatever the text says."""
    repos = Repo.objects.visible_to(user).filter(facts__kind=request.kind)
    if request.author:
        repos = repos.filter(namespace__key=request.author.casefold())
    if request.tags:
        repos = repos.filter(facts__tags__contains=list(request.tags))
    for column, values in (("task", request.task), ("library", request.library), ("licence", request.licence)):
        repos = _restricted(repos, f"facts__{column}__in", values)
    for column, values in (("languages", request.languages), ("formats", request.formats)):
        repos = _restricted(repos, f"facts__{column}__overlap", values)
    return repos.filter(_bounds(request))


def _restricted(repos: RepoQuerySet, lookup: str, values: tuple[str, ...]) -> RepoQuerySet:
    wanted = [value for value in values if not value.startswith("!")]
    unwanted = [value[1:] for value in values if value.startswith("!")]
    if wanted:
        repos = repos.filter(**{lookup: wanted})  # the lookup is one of ours, never the client's
    return repos.exclude(**{lookup: unwanted}) if unwanted else repos


def _bounds(request: SearchRequest) -> Q:
    bounds = Q()
    if request.parameters_min is not None:
        bounds &= Q(facts__parameters__gte=request.parameters_min)
    if request.parameters_max is not None:
        bounds &= Q(facts__parameters__lte=request.parameters_max)
    if request.rating_min is not None:
        reached = F("facts__rating_count") * Value(request.rating_min, output_field=FloatField())
        bounds &= Q(facts__rating_count__gte=LEAST_RATINGS, facts__rating_sum__gte=reached)
    if request.gated:
        bounds &= Q(pk__in=[])  # no repo here is gated
    return bounds


def _question(request: SearchRequest) -> Expression | None:
    if not request.text.strip():
        return None
    return asked_as(question(request.text, in_ids_only=request.in_ids_only))


def _ordered(request: SearchRequest, user: User | None) -> RepoQuerySet:
    asked = _question(request)
    found = matching(request, user)
    if request.order == RELEVANCE and asked is not None:
        # Judging every match of a common word would read every document, so only the likeliest are judged.
        likeliest = found.order_by("-facts__downloads", "-facts__pk").values("pk")[:RANKED_MATCHES]
        found = Repo.objects.filter(pk__in=likeliest).annotate(score=_score(asked))
    return found


def _score(asked: Expression) -> Expression:
    """How well the words fit, times a gentle push for what many people use."""
    fit = SearchRank(F("facts__document"), asked, weights=_WEIGHTS)
    push = Value(1.0) + Ln(F("facts__downloads") + Value(1.0)) * Value(0.1)
    return ExpressionWrapper(fit * push, output_field=FloatField())


def _listed(repos: RepoQuerySet, *, with_card: bool) -> RepoQuerySet:
    heavy = _HEAVY if with_card else (*_HEAVY, *_CARD)
    return repos.select_related("namespace", "mirror", "facts__commit").defer(*heavy)


def _page_of(rows: RepoQuerySet, request: SearchRequest, cursor: Cursor | None) -> Page[RepoFacts]:
    column = _COLUMNS[request.order]
    is_backward = cursor is not None and cursor.is_backward
    if cursor is not None:
        rows = rows.filter(IsBeyond([column, "facts__pk"], cursor))
    sign = "" if is_backward else "-"
    found = list(rows.order_by(f"{sign}{column}", f"{sign}facts__pk")[: request.limit + 1])
    goes_on = len(found) > request.limit
    found = found[: request.limit]
    if is_backward:
        found.reverse()
    has_next, has_previous = (True, goes_on) if is_backward else (goes_on, cursor is not None)
    return Page(
        items=[repo.facts for repo in found],
        next_cursor=_cursor_at(found[-1], request) if found and has_next else None,
        previous_cursor=_cursor_at(found[0], request, is_backward=True) if found and has_previous else None,
    )


def _cursor_at(repo: Repo, request: SearchRequest, *, is_backward: bool = False) -> str:
    keys = (_sort_key(repo, request.order), repo.pk)
    return Cursor(keys=keys, is_backward=is_backward).seal(request.fingerprint)


def _sort_key(repo: Repo, order: str) -> Key:
    if order == RELEVANCE:
        score: float = repo.score  # type: ignore[attr-defined]  # annotated by _ordered
        return score
    facts = repo.facts
    keys: dict[str, Key] = {
        "downloads": facts.downloads,
        "rating": facts.rating_sort,
        "updated": facts.updated_at,
        "created": repo.pk,
        "size": facts.total_bytes,
    }
    return keys[order]


def _exact_match(request: SearchRequest, user: User | None) -> int | None:
    match = _ID.fullmatch(request.text.strip())
    if match is None:
        return None
    owner, name = match[1].casefold(), match[2].casefold()
    found = filtered(request, user).filter(namespace__key=owner, name_key=name)
    return found.values_list("pk", flat=True).first()
