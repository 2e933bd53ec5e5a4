"""Finding repos: one query behind the pages, `/api/v1` and `list_models`.

The rows come first and fast; counts and facets may be late (decision 16), see `facets.py`. A page is
found in two steps: the keys of its rows by an index, then the rows themselves. How words are looked up
is explained in `word_search.py`.
"""

from __future__ import annotations

import re
from typing import Final

from django.db.models import F, FloatField, Q, Value

from catalog.models import Repo, RepoFacts, User
from catalog.models.repo import RepoQuerySet
from catalog.queries import word_search
from catalog.queries.paging import Cursor, Page
from catalog.queries.search_document import Matches
from catalog.queries.search_request import RELEVANCE, SearchRequest
from catalog.queries.word_search import KeyedRows, Stretch

LEAST_RATINGS: Final = 3  # fewer say nothing, so a minimum rating matches none of them
_ID = re.compile(r"([A-Za-z0-9._-]{1,96})/([A-Za-z0-9._-]{1,96})", re.ASCII)
_COLUMNS: Final = {
    RELEVANCE: word_search.SCORE,
    "downloads": word_search.DOWNLOADS,
    "rating": "facts__rating_sort",
    "likes": "facts__likes",
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
    repos = filtered(request, user)
    exact = _exact_match(request, repos)
    if exact is not None:
        repos = repos.exclude(pk=exact)
    keys, page = _keys_of_page(repos, request, cursor)
    first = [exact] if exact is not None and cursor is None else []
    items = _loaded([*first, *(pk for _key, pk in keys)], with_card=with_card)
    return Page(items, page.next_cursor, page.previous_cursor)


def matching(request: SearchRequest, user: User | None) -> RepoQuerySet:
    """All repos that answer a request, in no order: what counts and facets are made from."""
    repos = filtered(request, user)
    if not request.text.strip():
        return repos
    return repos.filter(Matches(word_search.asked_of(request)))


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
    for field, names in (("models", request.used_models), ("datasets", request.used_datasets)):
        if names:
            repos = repos.filter(facts__card_data__contains={field: list(names)})
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
    if request.gated is not None:
        bounds &= ~Q(gate=Repo.Gate.OPEN) if request.gated else Q(gate=Repo.Gate.OPEN)
    return bounds


def _keys_of_page(repos: RepoQuerySet, request: SearchRequest, cursor: Cursor | None) -> tuple[KeyedRows, Page[int]]:
    """Returns (sort key, id) of the rows of a page, and the cursors around it."""
    is_backward = cursor is not None and cursor.is_backward
    stretch = Stretch(_COLUMNS[request.order], cursor, request.limit + 1, is_backward)
    found = word_search.found(repos, request, stretch) if request.text.strip() else list(stretch.of(repos))
    goes_on = len(found) > request.limit
    found = found[: request.limit]
    if is_backward:
        found.reverse()
    has_next, has_previous = (True, goes_on) if is_backward else (goes_on, cursor is not None)
    name = request.fingerprint
    return found, Page(
        items=[],
        next_cursor=Cursor(found[-1]).seal(name) if found and has_next else None,
        previous_cursor=Cursor(found[0], is_backward=True).seal(name) if found and has_previous else None,
    )


def _loaded(ids: list[int], *, with_card: bool) -> list[RepoFacts]:
    heavy = _HEAVY if with_card else (*_HEAVY, *_CARD)
    rows = Repo.objects.select_related("namespace", "mirror", "facts__commit").defer(*heavy).in_bulk(ids)
    return [rows[pk].facts for pk in ids if pk in rows]


def _exact_match(request: SearchRequest, repos: RepoQuerySet) -> int | None:
    match = _ID.fullmatch(request.text.strip())
    if match is None:
        return None
    found = repos.filter(namespace__key=match[1].casefold(), name_key=match[2].casefold())
    return found.values_list("pk", flat=True).first()
