"""The door to what people make around repos: collections and webhooks (see `access`)."""

from __future__ import annotations

from typing import Final

from catalog import access, actors
from catalog.actors import Actor
from catalog.errors import NotAllowed, NotFound
from catalog.models import Collection, User, Webhook

PUBLIC_ID_DIGITS: Final = 24


def webhook_of(user: User, public_id: str) -> Webhook:
    """One of this person's own webhooks. Raises `NotFound`, also for those of others."""
    webhook = user.webhooks.select_related("user").filter(public_id=public_id).first()
    if webhook is None:
        raise NotFound("there is no such webhook")
    return webhook


def collection_to_read(actor: Actor, owner: str, slug: str) -> Collection:
    """A collection by the id at the end of its slug. Raises `NotFound`, also for what is not theirs to know of."""
    found = (
        Collection.objects.visible_to(actor.user)
        .select_related("namespace__organisation", "namespace__user")
        .filter(namespace__key=owner.casefold(), public_id=slug[-PUBLIC_ID_DIGITS:])
        .first()
    )
    if found is None:
        raise NotFound("there is no such collection")
    return found


def collection_to_change(actor: Actor, owner: str, slug: str) -> Collection:
    """Like `collection_to_read`, for whoever may write in its namespace. Raises `NotSignedIn`, `NotAllowed` besides."""
    found = collection_to_read(actor, owner, slug)
    if not access.can_write(actors.writer(actor), found.namespace):
        raise NotAllowed("you may read this collection but not change it")
    return found
