"""Xet uploads: check every hash of xorbs and shards, and turn each file into one plain blob (decision 5).

A xorb belongs to the account that sent it; nobody else can build files from it, since knowing a hash
proves nothing (security 5). Memory is bounded whatever the sizes: xorbs are checked chunk by chunk while
they arrive, shards stay in their file, contents pass in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from catalog.actions.incoming import uploads, xet_extents, xet_marks
from catalog.actions.incoming.xet_extents import Placed
from catalog.actions.incoming.xet_sources import SentXorbs, staged_key
from catalog.errors import InvalidShard, StorageFull, TooLarge
from catalog.models import Blob, Repo, StagedXorb, User
from catalog.parsing.chunk_table import ChunkTable
from catalog.parsing.shard import Shard, ShardFile, Term
from catalog.parsing.xet_hash import Tree, verification_hash
from catalog.parsing.xorb import MOST_XORB_BYTES, XorbReader
from catalog.storage.base import StagedFile
from catalog.stores import blob_store


@dataclass(frozen=True)
class PlannedFile:
    """One file of a shard, found to be what its hashes say, as far as chunks can tell."""

    file: ShardFile
    size: int


@dataclass(frozen=True)
class ShardPlan:
    """What a checked shard asks for; the shard's own file must stay open until that is done."""

    repo: Repo
    account: User
    shard: Shard
    files: list[PlannedFile] = field(default_factory=list)

    def terms(self, planned: PlannedFile) -> Iterator[Term]:
        return (term for term, _hash in self.shard.terms(planned.file))


def receive_xorb(*, account: User, xorb_hash: str, pieces: Iterable[memoryview]) -> bool:
    """Keep a xorb whose chunks hash to its name; returns whether it is new.

    Raises:
        InvalidXorb: malformed, or another hash.
        TooLarge, StorageFull
    """
    store, key = blob_store(), staged_key(account, xorb_hash)
    mine = StagedXorb.objects.filter(account=account, xorb_hash=xorb_hash, is_staged=True)
    if mine.update(touched_at=Now()) and store.has_staged(key):  # from now on expiry leaves it alone
        for _piece in pieces:
            pass  # a client that is answered before its last byte sees a broken connection
        return False
    room = store.headroom_bytes()
    if room is not None and room < MOST_XORB_BYTES:
        raise StorageFull(_("The server has no room for these %(size)d bytes.") % {"size": MOST_XORB_BYTES})
    with store.open_staged(key) as staged:
        chunks, size = _checked_xorb(pieces, staged, xorb_hash)
        with transaction.atomic():  # the row's lock keeps expiry away until the bytes have their name
            row, _is_new = StagedXorb.objects.update_or_create(
                account=account,
                xorb_hash=xorb_hash,
                defaults={"size": size, "table": chunks.data, "is_staged": True, "touched_at": Now()},
            )
            xet_marks.mark((chunk_hash, row) for chunk_hash in xet_marks.marks_of(chunks))
            staged.keep()
    return True


def read_plan(*, repo: Repo, account: User, source: BinaryIO) -> ShardPlan:
    """Check a shard against the xorbs this account sent here; nothing is written yet.

    Raises:
        InvalidShard: malformed, a hash that does not fit, or a xorb that this account never sent.
    """
    shard, xorbs = Shard(source), SentXorbs(account)
    files = [PlannedFile(file, _checked_size(shard, file, xorbs)) for file in shard.files]
    return ShardPlan(repo, account, shard, files)


def materialise(plan: ShardPlan) -> bool:
    """Make every file of the plan one blob of the repo; returns whether any was new.

    Raises:
        HashMismatch: the bytes do not have the sha256 that the shard states; earlier files stay.
        StorageFull, QuotaExceeded
    """
    held = uploads.held_by(plan.repo, [one.file.sha256 for one in plan.files if one.file.sha256])
    new = [one for one in plan.files if one.file.sha256 is None or held.get(one.file.sha256) != one.size]
    xet_extents.record(plan.account, _placed(plan, new))
    return bool(new)


def _placed(plan: ShardPlan, new: list[PlannedFile]) -> Iterator[Placed]:
    """Yields where the chunks of each file lie, once it is written."""
    xorbs, to_write = SentXorbs(plan.account), set(map(id, new))
    for one in plan.files:
        blob = _blob_of(plan, one, xorbs) if id(one) in to_write else Blob.objects.get(sha256=one.file.sha256)
        offset = 0
        for term in plan.terms(one):
            yield Placed(term, blob, offset)
            offset += term.unpacked_length


def _blob_of(plan: ShardPlan, planned: PlannedFile, xorbs: SentXorbs) -> Blob:
    """The blob of one file: one that holds just these chunks already, else written from where they are."""
    if planned.file.sha256 is not None:
        whole = xorbs.blob_made_of(plan.terms(planned), planned.file.sha256, planned.size)
        if whole is not None and uploads.receive_known(repo=plan.repo, blob=whole):
            return whole
    return uploads.store_bytes(
        repo=plan.repo,
        actor=plan.account,
        chunks=xorbs.content(plan.terms(planned)),
        sha256=planned.file.sha256,
        size=planned.size,
    )


def _checked_xorb(pieces: Iterable[memoryview], staged: StagedFile, xorb_hash: str) -> tuple[ChunkTable, int]:
    reader, size = XorbReader(), 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_XORB_BYTES:
            raise TooLarge(_("A xorb may have at most %(size)d bytes.") % {"size": MOST_XORB_BYTES})
        reader.feed(piece)
        staged.write(piece)
    return reader.finish(xorb_hash), size


def _checked_size(shard: Shard, file: ShardFile, xorbs: SentXorbs) -> int:
    """Returns the file's size when lengths, verification hashes and the file hash all agree with the chunks."""
    tree = Tree()
    for term, stated in shard.terms(file):
        if stated is None:
            raise InvalidShard(_("The shard has no verification hash for each of its terms."))
        before, digests = tree.size, []
        for digest, length in xorbs.chunks_of(term):
            tree.add(digest, length)
            digests.append(digest)
        if tree.size - before != term.unpacked_length:
            raise InvalidShard(_("A term of the shard has another length than its chunks."))
        if verification_hash(digests) != stated:
            raise InvalidShard(_("A verification hash of the shard does not fit its chunks."))
    if tree.file_hash() != file.file_hash:
        raise InvalidShard(_("A file of the shard does not hash to its name."))
    return tree.size
