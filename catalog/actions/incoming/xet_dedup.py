"""What an account is told of the chunks it sent before, so that its other machines send only what is new.

A client that knows nothing of earlier uploads asks for a few chunks of each file (`xet_marks`). The answer describes
xorbs that this same account sent and that a shard of its may name, nobody else's: the right is the one of
`SentXorbs`, and the answer opens nothing to somebody who lacks the chunks themselves (`shard_answer`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from catalog.actions.incoming.xet_extents import LIFETIME
from catalog.actions.incoming.xet_sources import SentXorb, SentXorbs
from catalog.models import MarkedChunk, StagedXorb, User
from catalog.parsing.shard_answer import answer_bytes, shard_answer
from catalog.queries.clock import database_now

ANSWER_LIFETIME: Final = timedelta(days=1)  # clients keep and use an answer so long
NAMED_FOR: Final = LIFETIME - 2 * ANSWER_LIFETIME  # a xorb outlives each answer that names it by a day at least
MOST_ANSWER_BYTES: Final = 1024**2  # some 20 xorbs of usual chunks, more than 1 GB of content
NEIGHBOURS: Final = range(-8, 32)  # by order of arrival: what was sent about the same time belongs together


def answer(account: User, chunk_hash: str) -> bytes | None:
    """A shard that describes the xorb with this chunk and what was sent about the same time; None if none is here."""
    found = MarkedChunk.objects.filter(account=account, chunk_hash=chunk_hash).values_list("xorb_id", flat=True).first()
    described = list(_described(account, found)) if found is not None else []
    if not described:
        return None
    now = database_now()
    return shard_answer(
        [(xorb.xorb_hash, xorb.table, xorb.stored_bytes) for xorb in described],
        key=salted_hmac("catalog.xet-dedup", str(account.pk), algorithm="sha256").digest(),
        made_at=int(now.timestamp()),
        expires_at=int((now + ANSWER_LIFETIME).timestamp()),
    )


def _described(account: User, found: int) -> Iterator[SentXorb]:
    """Yields the xorb that was found, then its neighbours, as many as fit; nothing if it cannot be promised."""
    near = StagedXorb.objects.filter(account=account, pk__range=(found + NEIGHBOURS[0], found + NEIGHBOURS[-1]))
    named = near.filter(touched_at__gt=Now() - NAMED_FOR).values_list("pk", "xorb_hash")
    xorbs, room = SentXorbs(account), MOST_ANSWER_BYTES
    for pk, xorb_hash in sorted(named, key=lambda row: (row[0] < found, row[0])):
        xorb = xorbs.whole(xorb_hash)
        if pk != found and room == MOST_ANSWER_BYTES:
            return
        if xorb is not None and (size := answer_bytes(xorb.table)) <= room:
            room -= size
            yield xorb
