"""Commits of a revision, and what one commit changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import access, links
from catalog.models import TreeEntry
from catalog.pages.errors import page
from catalog.pages.frame import commit_at, frame, readable
from catalog.queries import changes, trees
from catalog.queries.changes import Change
from catalog.stores import blob_store

COMMITS_PER_PAGE = 50
CHANGES_SHOWN = 100
LARGEST_COMPARED = 64 * 1024  # bytes of a text file
LINES_SHOWN = 400  # of one difference


@dataclass(frozen=True)
class Line:
    """One line of a difference; `kind` is a class of the style sheet."""

    kind: str
    text: str


@dataclass(frozen=True)
class ShownChange:
    """One changed file, its difference when it is text."""

    change: Change
    href: str
    lines: list[Line] | None
    is_cut: bool


@page
def commits(request: HttpRequest, kind: str, owner: str, name: str, revision: str) -> HttpResponse:
    repo = readable(request, kind, owner, name)
    head = commit_at(repo, revision)
    after = request.GET.get("after", "")
    start = commit_at(repo, after) if after else None
    found = trees.history(head, after=start, limit=COMMITS_PER_PAGE + 1)
    listed = found[:COMMITS_PER_PAGE]
    shown = frame(
        request,
        repo,
        "history",
        revision=revision,
        commits=listed,
        refs=trees.refs_of(repo),
        next_url=f"?after={listed[-1].oid}" if len(found) > COMMITS_PER_PAGE else "",
    )
    return render(request, "catalog/commits.html", shown)


@page
def commit(request: HttpRequest, kind: str, owner: str, name: str, oid: str) -> HttpResponse:
    repo = readable(request, kind, owner, name)
    found = commit_at(repo, oid)
    opened = access.has_files(access.actor_of(request), repo)
    changed, has_more = changes.changes_of(found, limit=CHANGES_SHOWN)
    shown = frame(
        request,
        repo,
        "history",
        commit=found,
        parent=changes.parent_of(found),
        changes=[_shown(change, links.blob(repo, found.oid, change.path), with_text=opened) for change in changed],
        has_more=has_more,
    )
    return render(request, "catalog/commit.html", shown)


def _shown(change: Change, href: str, *, with_text: bool) -> ShownChange:
    texts = [_text_of(side) if with_text else None for side in (change.before, change.after)]
    if None in texts:
        return ShownChange(change, href, None, is_cut=False)
    lines = list(_difference(texts[0] or "", texts[1] or ""))
    return ShownChange(change, href, lines[:LINES_SHOWN], is_cut=len(lines) > LINES_SHOWN)


def _difference(before: str, after: str) -> Iterator[Line]:
    kinds = {"+": "add", "-": "del", "@": "hunk"}
    rows = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    for number, row in enumerate(rows):
        if number > 1:  # the first two name the files
            yield Line(kinds.get(row[:1], ""), row)


def _text_of(entry: TreeEntry | None) -> str | None:
    """The file as text; "" where there is none; None when it is large or not text."""
    if entry is None:
        return ""
    if entry.is_lfs or entry.blob is None or entry.size > LARGEST_COMPARED:
        return None
    data = blob_store().read_range(entry.blob.sha256, 0, entry.size) if entry.size else b""
    try:
        return None if b"\0" in data else data.decode()
    except UnicodeDecodeError:
        return None
