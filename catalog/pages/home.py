"""The first page, and small fixed answers beside it."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from catalog import actors
from catalog.models import Organisation, Repo
from catalog.pages.errors import page
from catalog.queries.activity import Scope, activity
from catalog.queries.facets import public_values
from catalog.queries.search import find_repos
from catalog.queries.search_request import SearchRequest

THEMES = ("light", "dark")
YEAR = 31_536_000  # seconds
TASKS_SHOWN = 12
HAPPENINGS_SHOWN = 6  # of twice as many rows: some have nothing to show any more


@page
def home(request: HttpRequest) -> HttpResponse:
    user = actors.actor_of(request).user
    kind = Repo.Kind.MODEL.value
    known = public_values(kind).value or {}
    shown = {
        "tasks": list(known.get("task", {}).items())[:TASKS_SHOWN],
        "recent": find_repos(SearchRequest(kind=kind, sort="updated", limit=6), user=user).items,
        "happenings": activity(Scope(watcher=user), reader=user, limit=2 * HAPPENINGS_SHOWN).items[:HAPPENINGS_SHOWN]
        if user
        else [],
        "teams": Organisation.objects.filter(memberships__user=user).select_related("namespace") if user else [],
    }
    return render(request, "catalog/home.html", shown)


@page
@require_POST
def theme(request: HttpRequest) -> HttpResponseBase:
    """Remembers light, dark or the system's choice in a cookie."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        target = "/"
    response = redirect(target)
    wanted = request.POST.get("theme", "")
    if wanted in THEMES:
        response.set_cookie("theme", wanted, max_age=YEAR, samesite="Lax", httponly=True, secure=settings.IS_HTTPS)
    else:
        response.delete_cookie("theme")
    return response


@page
@require_POST
def shortcuts(request: HttpRequest) -> HttpResponseBase:
    """Remembers in a cookie whether single keys do something."""
    response = redirect("/settings/profile")
    if request.POST.get("shortcuts") == "off":
        response.set_cookie("shortcuts", "off", max_age=YEAR, samesite="Lax", httponly=True, secure=settings.IS_HTTPS)
    else:
        response.delete_cookie("shortcuts")
    return response


def robots(request: HttpRequest) -> HttpResponse:
    """Pages may be found; bytes, histories and forms are no reading for robots."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in ("/api/", "/*/resolve/", "/*/raw/", "/*/commits/", "/settings/")),
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def favicon(request: HttpRequest) -> HttpResponseBase:
    return redirect(static("img/favicon.svg"))
