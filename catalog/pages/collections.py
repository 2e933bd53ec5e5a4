"""Collections as pages: the newest, and one with what it holds. They are made and changed over the API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog import access, actors, community_access
from catalog.models import Collection
from catalog.pages.errors import page
from catalog.queries import collections

SHOWN = 60


@page
def collection_list(request: HttpRequest) -> HttpResponse:
    reader = actors.actor_of(request).user
    rows = Collection.objects.visible_to(reader).select_related("namespace").order_by("-updated_at", "-pk")
    owner = request.GET.get("owner", "")
    if owner:
        rows = rows.filter(namespace__key=owner.casefold())
    found = list(rows[:SHOWN])
    held = collections.items_of(found, reader)
    shown = {"rows": [(one, len(held[one.pk])) for one in found], "owner": owner, "section": "collections"}
    return render(request, "catalog/collections.html", shown)


@page
def collection(request: HttpRequest, owner: str, slug: str) -> HttpResponse:
    actor = actors.actor_of(request)
    found = community_access.collection_to_read(actor, owner, slug)
    items = collections.items_of([found], actor.user)[found.pk]
    shown = {
        "collection": found,
        "items": items,
        "rows": [item.repo.facts for item in items if item.repo],
        "may_change": actor.user is not None and access.can_write(actor.user, found.namespace),
        "section": "collections",
    }
    return render(request, "catalog/collection.html", shown)
