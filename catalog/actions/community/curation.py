"""Collections: put repos together, with notes and in an order."""

from __future__ import annotations

from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from catalog.actions import audit
from catalog.errors import BadInput, NameTaken
from catalog.models import Collection, CollectionItem, Namespace, Repo, User

LONGEST_TITLE: Final = 60
LONGEST_DESCRIPTION: Final = 150
LONGEST_NOTE: Final = 500
MOST_ITEMS: Final = 1000
LARGEST_POSITION: Final = 2**31 - 1

Thing = Repo | Collection


@transaction.atomic
def create_collection(
    *, namespace: Namespace, title: str, description: str = "", is_private: bool = False, actor: User
) -> Collection:
    """Start an empty collection.

    Raises:
        BadInput: a text that is missing or too long.
        NameTaken: the namespace has one of this title; the fact `slug` names it.
    """
    title = _checked_title(title)
    Namespace.objects.select_for_update().get(pk=namespace.pk)  # two at once must not both be the first
    existing = Collection.objects.select_related("namespace").filter(namespace=namespace, title=title).first()
    if existing is not None:
        raise NameTaken(_("This collection exists already."), slug=existing.slug)
    last = namespace.collections.aggregate(last=Max("position"))["last"]
    made = Collection.objects.create(
        namespace=namespace,
        title=title,
        title_slug=_slug(title),
        description=_checked(description, LONGEST_DESCRIPTION),
        is_private=is_private,
        position=0 if last is None else last + 1,
        created_by=actor,
    )
    audit.record(actor, "collection.create", f"collection/{made.slug}")
    return made


@transaction.atomic
def change_collection(
    *,
    collection: Collection,
    title: str | None = None,
    description: str | None = None,
    position: int | None = None,
    is_private: bool | None = None,
    theme: str | None = None,
    actor: User,
) -> Collection:
    """Change what is given. A new title changes the slug; the id at its end stays.

    Raises:
        BadInput
    """
    if title is not None:
        collection.title = _checked_title(title)
        collection.title_slug = _slug(collection.title)
    if description is not None:
        collection.description = _checked(description, LONGEST_DESCRIPTION)
    if position is not None:
        collection.position = _checked_position(position)
    if is_private is not None:
        collection.is_private = is_private
    if theme is not None:
        if theme not in Collection.Theme.values:
            raise BadInput(_("There is no theme %(name)s.") % {"name": theme})
        collection.theme = theme
    collection.updated_at = timezone.now()
    collection.save()
    audit.record(actor, "collection.change", f"collection/{collection.slug}")
    return collection


@transaction.atomic
def delete_collection(*, collection: Collection, actor: User) -> None:
    """Forget a collection; what it held stays where it is."""
    audit.record(actor, "collection.delete", f"collection/{collection.slug}")
    collection.delete()


@transaction.atomic
def add_item(*, collection: Collection, thing: Thing, note: str = "") -> CollectionItem:
    """Put something the actor may read at the end.

    Raises:
        NameTaken: it is there already.
        BadInput: the note is too long, the collection is full, or it is the collection itself.
    """
    Collection.objects.select_for_update().get(pk=collection.pk)
    if collection.items.count() >= MOST_ITEMS:
        raise BadInput(_("A collection holds at most %(most)s things.") % {"most": MOST_ITEMS})
    if thing == collection:
        raise BadInput(_("A collection does not hold itself."))
    last = collection.items.aggregate(last=Max("position"))["last"]
    item = CollectionItem(
        collection=collection,
        repo=thing if isinstance(thing, Repo) else None,
        linked=thing if isinstance(thing, Collection) else None,
        note=_checked(note, LONGEST_NOTE),
        position=0 if last is None else last + 1,
    )
    try:
        with transaction.atomic():
            item.save(force_insert=True)
    except IntegrityError:
        raise NameTaken(_("This is in the collection already."), slug=collection.slug) from None
    _touch(collection)
    return item


@transaction.atomic
def change_item(*, item: CollectionItem, note: str | None = None, position: int | None = None) -> None:
    """Change the note, or move the item to a place among the others.

    Raises:
        BadInput
    """
    if note is not None:
        item.note = _checked(note, LONGEST_NOTE)
        item.save(update_fields=["note"])
    if position is not None:
        Collection.objects.select_for_update().get(pk=item.collection_id)
        others = list(item.collection.items.exclude(pk=item.pk).order_by("position", "pk"))
        others.insert(_checked_position(position), item)
        for place, one in enumerate(others):
            one.position = place
        CollectionItem.objects.bulk_update(others, ["position"])
    _touch(item.collection)


@transaction.atomic
def remove_item(*, item: CollectionItem) -> None:
    """Take an item out."""
    collection = item.collection
    item.delete()
    _touch(collection)


def _touch(collection: Collection) -> None:
    collection.updated_at = timezone.now()
    collection.save(update_fields=["updated_at"])


def _checked_title(title: str) -> str:
    title = title.strip()
    if not 0 < len(title) <= LONGEST_TITLE:
        raise BadInput(_("A title has 1 to %(most)s characters.") % {"most": LONGEST_TITLE})
    return title


def _checked(text: str, longest: int) -> str:
    if len(text) > longest:
        raise BadInput(_("The text may have at most %(most)s characters.") % {"most": longest})
    return text


def _checked_position(position: int) -> int:
    if not 0 <= position <= LARGEST_POSITION:
        raise BadInput(_("A position is a number from 0."))
    return position


def _slug(title: str) -> str:
    return slugify(title)[:LONGEST_TITLE].strip("-") or "collection"
