"""Collections, as `HfApi` makes, lists and changes them (hub-api 13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse

from catalog import access, actors, community_access
from catalog.actions.community import curation
from catalog.actors import Actor
from catalog.errors import BadInput, InvalidCursor, NotFound, RepoNotFound
from catalog.hub_api import bodies, wire
from catalog.hub_api.bodies import Json
from catalog.hub_api.keyset import page_size
from catalog.hub_api.people import avatar_url
from catalog.models import Collection, CollectionItem, Repo
from catalog.queries import collections

ITEMS_IN_LISTS: Final = 4
SORTS: Final = ("lastModified", "trending", "upvotes")  # all newest first: nobody votes here
FOLDERS: Final = {"models": Repo.Kind.MODEL, "datasets": Repo.Kind.DATASET, "spaces": Repo.Kind.SPACE}


def listed(request: HttpRequest, actor: Actor) -> HttpResponse:
    sort, owner, item = (request.GET.get(name, "") for name in ("sort", "owner", "item"))
    if sort and sort not in SORTS:
        raise BadInput(f'"sort" must be one of [{", ".join(SORTS)}]')
    rows = Collection.objects.visible_to(actor.user).select_related("namespace__user", "namespace__organisation")
    if owner:
        rows = rows.filter(namespace__key=owner.casefold())
    if item:
        repo = _repo_in(actor, item)
        rows = collections.holding(rows, repo) if repo else rows.none()
    listing = ["collections", owner.casefold(), item]
    if last := wire.opened_cursor(request, listing):
        moment, _, pk = last.partition(" ")
        try:
            before = datetime.fromisoformat(moment)
        except ValueError:
            raise InvalidCursor from None
        rows = rows.filter(Q(updated_at__lt=before) | Q(updated_at=before, pk__lt=int(pk)))
    size = page_size(request)
    found = list(rows.order_by("-updated_at", "-pk")[: size + 1])
    shown = found[:size]
    end = f"{shown[-1].updated_at.isoformat()} {shown[-1].pk}" if len(found) > size else None
    held = collections.items_of(shown, actor.user)
    items = [_collection(request, one, held[one.pk][:ITEMS_IN_LISTS]) for one in shown]
    return wire.page(request, items, wire.sealed_cursor(listing, end) if end else None)


def create(request: HttpRequest, actor: Actor) -> JsonResponse:
    body = bodies.json_body(request)
    namespace = access.namespace_to_create_in(actor, bodies.optional_text(body, "namespace"))
    made = curation.create_collection(
        namespace=namespace,
        title=bodies.text_field(body, "title"),
        description=bodies.optional_text(body, "description") or "",
        is_private=_flag(body, "private") or False,
        actor=actors.writer(actor),
    )
    return JsonResponse(_whole(request, actor, made))


def one(request: HttpRequest, actor: Actor, *, owner: str, slug: str) -> JsonResponse:
    return JsonResponse(_whole(request, actor, community_access.collection_to_read(actor, owner, slug)))


def change(request: HttpRequest, actor: Actor, *, owner: str, slug: str) -> JsonResponse:
    collection = community_access.collection_to_change(actor, owner, slug)
    body = bodies.json_body(request)
    changed = curation.change_collection(
        collection=collection,
        title=bodies.optional_text(body, "title"),
        description=bodies.optional_text(body, "description"),
        position=_number(body, "position"),
        is_private=_flag(body, "private"),
        theme=bodies.optional_text(body, "theme"),
        actor=actors.writer(actor),
    )
    return JsonResponse({"success": True, "data": _whole(request, actor, changed)})


def remove(request: HttpRequest, actor: Actor, *, owner: str, slug: str) -> JsonResponse:
    collection = community_access.collection_to_change(actor, owner, slug)
    curation.delete_collection(collection=collection, actor=actors.writer(actor))
    return JsonResponse({})


def add_item(request: HttpRequest, actor: Actor, *, owner: str, slug: str) -> JsonResponse:
    collection = community_access.collection_to_change(actor, owner, slug)
    body = bodies.json_body(request)
    wanted = body.get("item")
    if not isinstance(wanted, dict):
        raise BadInput("'item' needs 'id' and 'type'")
    thing = _thing(actor, bodies.text_field(wanted, "type"), bodies.text_field(wanted, "id"))
    curation.add_item(collection=collection, thing=thing, note=bodies.optional_text(body, "note") or "")
    return JsonResponse(_whole(request, actor, collection))


def change_item(request: HttpRequest, actor: Actor, *, owner: str, slug: str, item_id: str) -> JsonResponse:
    item = _item_to_change(actor, owner, slug, item_id)
    body = bodies.json_body(request)
    curation.change_item(item=item, note=bodies.optional_text(body, "note"), position=_number(body, "position"))
    return JsonResponse({})


def remove_item(request: HttpRequest, actor: Actor, *, owner: str, slug: str, item_id: str) -> JsonResponse:
    curation.remove_item(item=_item_to_change(actor, owner, slug, item_id))
    return JsonResponse({})


def _item_to_change(actor: Actor, owner: str, slug: str, item_id: str) -> CollectionItem:
    collection = community_access.collection_to_change(actor, owner, slug)
    item = collection.items.select_related("collection").filter(public_id=item_id).first()
    if item is None:
        raise NotFound("there is no such item in this collection")
    return item


def _whole(request: HttpRequest, actor: Actor, collection: Collection) -> dict[str, Any]:
    items = collections.items_of([collection], actor.user)[collection.pk]
    return _collection(request, collection, items) | {"position": collection.position}


def _collection(request: HttpRequest, collection: Collection, items: Sequence[CollectionItem]) -> dict[str, Any]:
    """As lists have it: without `position`, which clients pass beside it."""
    namespace = collection.namespace
    owner = namespace.owner
    return {
        "slug": collection.slug,
        "title": collection.title,
        "description": collection.description,
        "lastUpdated": wire.instant(collection.updated_at),
        "gating": False,
        "owner": {
            "_id": wire.namespace_id(namespace),
            "name": namespace.name,
            "fullname": owner.display_name if owner else namespace.name,
            "type": "org" if namespace.is_organisation else "user",
            "avatarUrl": avatar_url(request, namespace),
        },
        "items": [_item(one) for one in items],
        "theme": collection.theme,
        "private": collection.is_private,
        "upvotes": 0,
        "isUpvotedByUser": False,
    }


def _item(item: CollectionItem) -> dict[str, Any]:
    shown: dict[str, Any] = {"_id": item.public_id, "position": item.position}
    if item.note:
        shown["note"] = {"text": item.note, "html": ""}
    if item.repo is None:
        linked = item.linked
        assert linked is not None  # the database keeps it so
        return shown | {"type": "collection", "id": linked.public_id, "slug": linked.slug, "title": linked.title}
    repo = item.repo
    return shown | {
        "type": repo.kind,
        "repoType": repo.kind,
        "id": repo.full_name,
        "author": repo.namespace.name,
        "private": repo.is_private,
        "gated": repo.gate or False,
        "likes": repo.facts.likes,
        "downloads": repo.facts.downloads,
        "lastModified": wire.instant(repo.facts.updated_at),
    }


def _thing(actor: Actor, kind: str, name: str) -> curation.Thing:
    owner, _, rest = name.partition("/")
    if kind == "collection":
        return community_access.collection_to_read(actor, owner, rest)
    if kind not in Repo.Kind.values:
        raise BadInput("'type' must be model, dataset, space or collection")
    return access.repo_to_read(actor, kind, owner, rest, follow=True)


def _repo_in(actor: Actor, item: str) -> Repo | None:
    """`models/ns/name`; what is not there, or not to be seen, is in no collection."""
    folder, _, name = item.partition("/")
    owner, _, rest = name.partition("/")
    if folder not in FOLDERS:
        return None
    try:
        return access.repo_to_read(actor, FOLDERS[folder], owner, rest, follow=True)
    except RepoNotFound:
        return None


def _number(body: Json, name: str) -> int | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise BadInput(f"{name!r} must be a number")
    return value


def _flag(body: Json, name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"{name!r} must be true or false")
    return value
