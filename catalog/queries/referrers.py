"""Who needs a blob: every foreign key of every installed app, found by asking Django, so that none is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from django.apps import apps
from django.db.models import Exists, ForeignKey, Model, OuterRef, QuerySet
from django.db.models.functions import Now

from catalog.models import Blob, Upload

Key: TypeAlias = "ForeignKey[Model, Model]"


def keys_to_blobs() -> list[Key]:
    """Every foreign key whose rows hold a blob. One-to-one keys are among them."""
    return [
        field
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields  # noqa: SLF001  Django's own documented name
        if isinstance(field, ForeignKey) and field.related_model is Blob
    ]


def unneeded(untouched: timedelta) -> QuerySet[Blob]:
    """Blobs that no row holds, no open upload announces, and that were not touched for so long.

    The extents of Xet's xorbs hold theirs for the 22 days that clients remember them.
    """
    found = Blob.objects.filter(touched_at__lte=Now() - untouched)
    for key in keys_to_blobs():
        found = found.filter(~Exists(_rows(key).filter(**{key.name: OuterRef(key.target_field.attname)})))
    open_ones = Upload.objects.filter(sha256=OuterRef("sha256"), finished_at=None, expires_at__gt=Now())
    return found.filter(~Exists(open_ones))


def is_held(blob: Blob) -> bool:
    """Whether any row holds this blob now."""
    return any(_rows(key).filter(**{key.name: blob}).exists() for key in keys_to_blobs())


def _rows(key: Key) -> QuerySet[Model]:
    """All of them, whatever a model's own manager would hide."""
    rows: QuerySet[Model] = key.model._base_manager.all()  # noqa: SLF001  Django's own documented name
    return rows
