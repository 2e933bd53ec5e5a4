"""The page of one model or dataset: verdict, card, facts, and how to use it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from catalog import links
from catalog.models import Commit, Repo, TreeEntry
from catalog.pages import languages, snippets
from catalog.pages.errors import page
from catalog.pages.frame import frame, readable
from catalog.parsing import memory
from catalog.queries import trees

_CARD = re.compile(r"README(?:\.([A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?))?\.md", re.IGNORECASE)


@dataclass(frozen=True)
class CardVariant:
    """The card in another language, kept as `README.<language>.md`."""

    language: str
    name: str
    href: str


@dataclass(frozen=True)
class DtypeShare:
    """How many parameters are stored in one type."""

    dtype: str
    count: int


@page
def repo_page(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponseBase:
    repo = readable(request, kind, owner, name)
    if (repo.namespace.name, repo.name) != (owner, name):
        return redirect(repo.web_path)
    shown = frame(request, repo, "card")
    head = trees.head_of(repo)
    endpoint = snippets.endpoint_of(request)
    if head is None or shown["is_empty"]:
        return _empty(request, shown, endpoint)
    entries = trees.entries_of(head, limit=200)
    largest = trees.entries_in(head).files().order_by("-is_lfs", "-size").first()
    shown |= {
        "head": head,
        "has_card": any(entry.path == "README.md" for entry in entries),
        "card_language": languages.lang_of(repo.facts.summary or repo.facts.title, repo.facts.languages),
        "variants": _variants(repo, head, entries),
        "dtypes": _dtypes(repo),
        "memory": memory_estimate(repo),
        "snippets": snippets.snippets_for(repo, head, endpoint=endpoint, largest=largest),
    }
    return render(request, "catalog/repo_card.html", shown)


def _empty(request: HttpRequest, shown: dict[str, Any], endpoint: str) -> HttpResponse:
    shown["steps"] = snippets.upload_steps(shown["repo"], endpoint)
    return render(request, "catalog/repo_empty.html", shown)


def _variants(repo: Repo, head: Commit, entries: list[TreeEntry]) -> list[CardVariant]:
    found = []
    for entry in entries:
        match = _CARD.fullmatch(entry.path)
        if match and match[1]:
            language = languages.bcp47(match[1])
            href = links.blob(repo, repo.default_branch, entry.path)
            found.append(CardVariant(language, languages.endonym(language), href))
    return found


def _dtypes(repo: Repo) -> list[DtypeShare]:
    counts = repo.facts.parameters_by_dtype.items()
    return sorted((DtypeShare(dtype, count) for dtype, count in counts), key=lambda share: -share.count)


def memory_estimate(repo: Repo) -> int | None:
    """Bytes to run it as stored; None when unknown."""
    found = memory.memory_estimate(repo.facts.parameters_by_dtype)
    return found.total if found else None
