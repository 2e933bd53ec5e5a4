"""What happened lately: in one repo, around one person or team, and in all that somebody watches."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import access, actors
from catalog.pages.errors import page
from catalog.pages.frame import frame, readable
from catalog.queries import follows
from catalog.queries.activity import Happening, Scope, activity
from catalog.queries.paging import Page


@page
def watched(request: HttpRequest) -> HttpResponse:
    """News for whoever is signed in."""
    user = actors.signed_in(actors.actor_of(request))
    found = _page(request, Scope(watcher=user))
    shown = {**_listed(found), "followed": follows.followed_by(user).count()}
    return render(request, "activity/watched.html", shown)


@page
def of_namespace(request: HttpRequest, owner: str) -> HttpResponse:
    namespace = access.namespace_named(owner)
    found = _page(request, Scope(namespace=namespace))
    shown = {**_listed(found), "namespace": namespace, "owner": namespace.owner}
    return render(request, "activity/of_namespace.html", shown)


@page
def of_repo(request: HttpRequest, kind: str, owner: str, name: str) -> HttpResponse:
    repo = readable(request, kind, owner, name)
    found = _page(request, Scope(repo=repo))
    return render(request, "activity/of_repo.html", frame(request, repo, "activity", **_listed(found)))


def _page(request: HttpRequest, scope: Scope) -> Page[Happening]:
    return activity(scope, reader=actors.actor_of(request).user, cursor=request.GET.get("cursor", ""))


def _listed(found: Page[Happening]) -> dict[str, object]:
    cursor = found.next_cursor
    return {"happenings": found.items, "next_url": f"?{urlencode({'cursor': cursor})}" if cursor else ""}
