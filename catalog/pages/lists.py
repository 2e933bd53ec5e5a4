"""`/models` and `/datasets`: the URL is the whole state, scripts only shorten the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from catalog import actors
from catalog.pages import finding
from catalog.pages.errors import page
from catalog.queries.facets import counts
from catalog.queries.search import find_repos
from catalog.queries.search_request import request_from


@page
def repo_list(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The list. Counts and counted choices follow as a fragment (decision 16)."""
    if finding.has_aliases(request.GET):
        return redirect(_address(request, finding.clean_query(request.GET)))
    query = finding.clean_query(request.GET)
    search = request_from(request.GET, kind=kind)
    found = find_repos(search, user=actors.actor_of(request).user)
    shown: dict[str, Any] = {
        "kind": kind,
        "section": f"{kind}s",
        "path": request.path,
        "query": query,
        "query_string": query.urlencode(),
        "rows": found.items,
        "next_url": _page_url(query, found.next_cursor),
        "previous_url": _page_url(query, found.previous_cursor),
        "chips": finding.chips(query),
        "ignored": finding.ignored_parameters(request.GET),
        "sorts": {name: words for name, words in finding.SORTS.items() if name != "relevance" or search.text},
        "order": search.order,
        "text": search.text,
    }
    if request.headers.get("HX-Request-Type") == "partial":
        response = render(request, "catalog/list_results.html", shown)
        response["HX-Push-Url"] = _address(request, query)
        return response
    shown["facets"] = finding.known_facets(kind, query)
    return render(request, "catalog/list.html", shown)


@page
def counted(request: HttpRequest, kind: str) -> HttpResponse:
    """The fragment with what may be late: how many there are, and the choices with their counts."""
    search = replace(request_from(request.GET, kind=kind), cursor="")
    query = finding.clean_query(request.GET)
    known = counts(search, user=actors.actor_of(request).user)
    shown = {
        "kind": kind,
        "path": f"/{kind}s",
        "query_string": query.urlencode(),
        "total": known.value.total if known.value else None,
        "is_busy": known.is_busy,
        "facets": finding.counted_facets(known.value.facets, query)
        if known.value
        else finding.known_facets(kind, query),
    }
    return render(request, "catalog/list_counted.html", shown)


def _page_url(query: QueryDict, cursor: str | None) -> str:
    if cursor is None:
        return ""
    here = query.copy()
    here["cursor"] = cursor
    return f"?{here.urlencode()}"


def _address(request: HttpRequest, query: QueryDict) -> str:
    return f"{request.path}?{query.urlencode()}" if query else request.path
