"""Commits of a revision, and what one commit changed."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import access, actors, links
from catalog.pages.errors import page
from catalog.pages.frame import commit_at, frame, readable
from catalog.pages.shown_changes import shown_changes
from catalog.queries import changes, trees

COMMITS_PER_PAGE = 50
CHANGES_SHOWN = 100


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
    opened = access.has_files(actors.actor_of(request), repo)
    changed, has_more = changes.changes_of(found, limit=CHANGES_SHOWN)
    shown = frame(
        request,
        repo,
        "history",
        commit=found,
        parent=changes.parent_of(found),
        changes=shown_changes(changed, partial(links.blob, repo, found.oid), with_text=opened),
        has_more=has_more,
    )
    return render(request, "catalog/commit.html", shown)
