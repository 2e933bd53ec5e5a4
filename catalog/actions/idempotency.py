"""A request that names an `Idempotency-Key` acts once in a day, however often it arrives (security 1.8)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog import sealing
from catalog.errors import BadInput, Busy, IdempotencyKeyReused
from catalog.models import KeptAnswer, User
from catalog.queries.clock import database_now

KEPT: Final = timedelta(hours=24)
GIVEN_UP: Final = timedelta(minutes=10)  # no request takes so long: whoever began it died
LONGEST_KEY: Final = 255
LARGEST_BODY: Final = 1024 * 1024  # bytes of an answer that is kept


@dataclass(frozen=True)
class Answer:
    """What was answered, ready to be sent again."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def begin(*, user: User, key: str, method: str, address: str, body: bytes) -> Answer | KeptAnswer:
    """Returns the answer given before, or the row to `finish` (or `forget`) after acting.

    Raises:
        BadInput: no usable key.
        IdempotencyKeyReused: the key came with another body before.
        Busy: the same request is under way.
    """
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadInput(_("An Idempotency-Key has 1 to 255 printable ASCII characters."))
    named = hashlib.sha256(f"{key}\0{method}\0{address}".encode()).hexdigest()
    body_digest = hashlib.sha256(body).hexdigest()
    KeptAnswer.objects.filter(user=user, digest=named, created_at__lt=Now() - KEPT).delete()
    KeptAnswer.objects.filter(user=user, digest=named, status=None, created_at__lt=Now() - GIVEN_UP).delete()
    mine = KeptAnswer(user=user, digest=named, body_digest=body_digest, created_at=database_now())
    KeptAnswer.objects.bulk_create([mine], ignore_conflicts=True)
    kept = KeptAnswer.objects.filter(user=user, digest=named).first()
    if kept is not None and kept.body_digest != body_digest:
        raise IdempotencyKeyReused
    if kept is None or kept.created_at != mine.created_at:
        return _given(kept)
    return kept


def finish(kept: KeptAnswer, answer: Answer) -> None:
    """Keep what was answered; a fault of ours, or what is too large, is forgotten, so that trying again helps."""
    if answer.status >= 500 or len(answer.body) > LARGEST_BODY:
        forget(kept)
        return
    kept.status, kept.headers = answer.status, dict(answer.headers)
    kept.sealed_body = sealing.seal_bytes(answer.body)
    kept.save(update_fields=["status", "headers", "sealed_body"])


def forget(kept: KeptAnswer) -> None:
    kept.delete()


def clear() -> int:
    """Remove answers whose day is over; returns how many."""
    return KeptAnswer.objects.filter(created_at__lt=Now() - KEPT).delete()[0]


def _given(kept: KeptAnswer | None) -> Answer:
    body = None if kept is None or kept.sealed_body is None else sealing.unseal_bytes(kept.sealed_body)
    if kept is None or kept.status is None or body is None:
        raise Busy
    return Answer(kept.status, kept.headers, body)
