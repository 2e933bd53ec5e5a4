"""Who states which result on a dataset. Nothing of it was measured here, so nothing is `verified`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse

from catalog import access
from catalog.actors import Actor
from catalog.hub_api import people
from catalog.models import Namespace, Repo
from catalog.queries.stated_results import StatedResult, stated_results


def leaderboard(request: HttpRequest, actor: Actor, *, owner: str, name: str) -> JsonResponse:
    dataset = access.repo_to_read(actor, Repo.Kind.DATASET, owner, name)
    with_derived = request.GET.get("base_model", "true").lower() == "false"
    found = stated_results(dataset, reader=actor.user, with_derived=with_derived)
    return JsonResponse([_entry(request, rank, one) for rank, one in enumerate(found, start=1)], safe=False)


def _entry(request: HttpRequest, rank: int, result: StatedResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "rank": rank,
        "modelId": result.repo.full_name,
        "value": result.value,
        "filename": result.filename,
        "verified": False,
        "author": _author(request, result.repo.namespace),
    }
    if result.source:
        entry["source"] = result.source
    return entry | ({"notes": result.notes} if result.notes else {})


def _author(request: HttpRequest, namespace: Namespace) -> dict[str, Any]:
    organisation = getattr(namespace, "organisation", None)
    return people.team(request, organisation) if organisation is not None else people.person(request, namespace.user)
