"""The record of privileged changes; called inside the transaction of the change itself.

Rows are chained afterwards, by a sweep: a chain written in the same transaction would make every commit of the
site wait for every other one (ADR 0011).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from catalog.models import AuditEntry, AuditSeal, Repo, User
from catalog.queries.clock import database_now

FIRST: Final = AuditSeal(number=0, digest="0" * 64)  # what the first link hangs on
LOOKED_BACK: Final = 100_000  # ids: a transaction that commits late brings a lower id than those sealed already
MOST_SEALED: Final = 5_000  # in one transaction
UNSEALED_FOR: Final = timedelta(hours=1)  # an older entry without a seal is a problem
_LOCK: Final = 0x6175646974  # "audit", among the advisory locks


def record(actor: User | None, action: str, target: str, **details: object) -> None:
    """Note who (None: the console) did what to what."""
    AuditEntry.objects.create(actor=actor, action=action, target=target[:255], details=details)


def name_of(repo: Repo) -> str:
    """What the log calls a repo: `models/ns/name`."""
    return repo.kind_and_name


@dataclass(frozen=True)
class Problem:
    """What is wrong with the chain, and where: the number of a link, or the id of an entry."""

    at: int
    words: str


def head() -> AuditSeal:
    """The newest link. Kept elsewhere, it shows later that nothing before it was cut off."""
    return AuditSeal.objects.order_by("-number").first() or FIRST


def seal() -> int:
    """Chain the entries that are not in the chain yet; returns how many. Another one at it: none."""
    sealed = 0
    while batch := _seal_some():
        sealed += batch
    return sealed


@transaction.atomic
def _seal_some() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    link = head()
    newest = AuditSeal.objects.order_by("-entry_id").values_list("entry_id", flat=True).first() or 0
    links = []
    open_ones = AuditEntry.objects.filter(seal=None, pk__gt=newest - LOOKED_BACK).order_by("pk")
    for entry in open_ones[:MOST_SEALED]:
        link = _link(link, entry)
        links.append(link)
    AuditSeal.objects.bulk_create(links)
    return len(links)


def problems(*, known: AuditSeal | None = None) -> Iterator[Problem]:
    """What shows that somebody changed, took away or slipped in entries.

    Args:
        known: a head that was kept elsewhere; the chain must still hold it.
    """
    last = FIRST
    for link in _chain():
        if link.number != last.number + 1:
            yield Problem(last.number + 1, "a link is missing")
        if not hmac.compare_digest(link.digest, _link(last, link.entry, number=link.number).digest):
            yield Problem(link.number, f"entry {link.entry_id} is not what was sealed")
        if known is not None and link.number == known.number and link.digest != known.digest:
            yield Problem(link.number, "the link is not the one that was kept")
        last = link
    if known is not None and last.number < known.number:
        yield Problem(known.number, "the chain ends before the link that was kept")
    late = AuditEntry.objects.filter(seal=None, at__lt=database_now() - UNSEALED_FOR)
    for pk in late.order_by("pk").values_list("pk", flat=True)[:MOST_SEALED]:
        yield Problem(pk, "this entry was never sealed")


def _chain() -> Iterator[AuditSeal]:
    return AuditSeal.objects.select_related("entry").order_by("number").iterator(chunk_size=2_000)


def _link(before: AuditSeal, entry: AuditEntry, *, number: int | None = None) -> AuditSeal:
    number = before.number + 1 if number is None else number
    at = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    said = [number, before.digest, entry.pk, at, entry.actor_id, entry.action, entry.target, entry.details]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return AuditSeal(number=number, entry=entry, digest=hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest())


def _key() -> bytes:
    """Who can write to the database alone cannot make links that fit."""
    return hashlib.sha256(b"marketplace audit 1\0" + settings.SIGNING_KEY.encode()).digest()
