"""Xet uploads: check every hash of xorbs and shards, and turn each file into one plain blob (decision 5).

A xorb waits in the staging area under the account that sent it; nobody else can build files from it,
since knowing a hash proves nothing (security 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from catalog.actions import uploads
from catalog.errors import InvalidShard, InvalidXorb, StorageFull, TooLarge
from catalog.models import Repo, StagedXorb, User
from catalog.parsing import xet_hash
from catalog.parsing.shard import ShardFile, Term, read_shard
from catalog.parsing.xorb import XorbChunk, chunk_bytes, read_xorb
from catalog.stores import blob_store

LARGEST_FILE_BYTES: Final = 50_000_000_000  # huggingface_hub refuses to download more over plain HTTP
READ_BYTES: Final = 4 * 1024 * 1024  # of a staged xorb at a time
GIVEN_BYTES: Final = 2 * 1024 * 1024  # to the store at a time; short writes hash slowly


@dataclass(frozen=True)
class PlannedFile:
    """One file of a shard, found to be what its hashes say, as far as chunks can tell."""

    terms: tuple[Term, ...]
    size: int
    sha256: str | None


@dataclass(frozen=True)
class ShardPlan:
    """What a checked shard asks for."""

    repo: Repo
    account: User
    files: list[PlannedFile] = field(default_factory=list)


def accept_xorb(*, account: User, xorb_hash: str, data: bytes) -> bool:
    """Keep a xorb whose chunks hash to its name; returns whether it is new.

    Raises:
        InvalidXorb: malformed, or another hash.
        StorageFull
    """
    store, key = blob_store(), _key(account, xorb_hash)
    known = StagedXorb.objects.filter(account=account, xorb_hash=xorb_hash).exists()
    if known and store.has_staged(key):
        return False
    xorb = read_xorb(data, xorb_hash)
    room = store.headroom_bytes()
    if room is not None and len(data) > room:
        raise StorageFull(_("The server has no room for these %(size)d bytes.") % {"size": len(data)})
    store.put_staged(key, data)
    StagedXorb.objects.update_or_create(
        account=account,
        xorb_hash=xorb_hash,
        defaults={"size": len(data), "chunks": [_row(chunk) for chunk in xorb.chunks]},
    )
    return True


def read_plan(*, repo: Repo, account: User, data: bytes) -> ShardPlan:
    """Check a shard against the xorbs this account sent here; nothing is written yet.

    Raises:
        InvalidShard: malformed, a hash that does not fit, or a xorb that this account never sent.
        TooLarge: a file over 50 GB.
    """
    xorbs = _SentXorbs(account)
    return ShardPlan(repo, account, [_checked(file, xorbs) for file in read_shard(data).files])


def materialise(plan: ShardPlan) -> bool:
    """Write every file of the plan as one blob of the repo; returns whether any was new.

    Raises:
        HashMismatch: the bytes do not have the sha256 that the shard states; earlier files stay.
        StorageFull
    """
    held = uploads.held_by(plan.repo, [file.sha256 for file in plan.files if file.sha256])
    is_new = False
    for file in plan.files:
        if file.sha256 is not None and held.get(file.sha256) == file.size:
            continue
        uploads.store_bytes(
            repo=plan.repo,
            actor=plan.account,
            chunks=_content(file, _SentXorbs(plan.account)),
            sha256=file.sha256,
            size=file.size,
        )
        is_new = True
    return is_new


class _SentXorbs:
    """The chunk tables of one account's xorbs; the last one is kept, since terms come in runs."""

    def __init__(self, account: User) -> None:
        self.account = account
        self._last: tuple[str, list[XorbChunk]] = ("", [])

    def chunks(self, term: Term) -> list[XorbChunk]:
        """Returns the chunks of a term. Raises `InvalidShard`."""
        if self._last[0] != term.xorb_hash:
            self._last = (term.xorb_hash, self._table(term.xorb_hash))
        table = self._last[1]
        if not 0 <= term.start < term.end <= len(table):
            raise InvalidShard(_("A term of the shard names chunks that its xorb does not have."))
        return table[term.start : term.end]

    def _table(self, xorb_hash: str) -> list[XorbChunk]:
        sent = StagedXorb.objects.filter(account=self.account, xorb_hash=xorb_hash).first()
        if sent is None or not blob_store().has_staged(_key(self.account, xorb_hash)):
            raise InvalidShard(
                _("The shard names a xorb that was not sent here. Clear the Xet cache (HF_XET_CACHE) and try again.")
            )
        return [_chunk(row) for row in sent.chunks]


def _checked(file: ShardFile, xorbs: _SentXorbs) -> PlannedFile:
    """Returns the file when lengths, verification hashes and the file hash all agree with the chunks."""
    if len(file.verification) != len(file.terms):
        raise InvalidShard(_("The shard has no verification hash for each of its terms."))
    leaves: list[tuple[bytes, int]] = []
    for term, stated in zip(file.terms, file.verification, strict=True):
        chunks = xorbs.chunks(term)
        if sum(chunk.length for chunk in chunks) != term.unpacked_length:
            raise InvalidShard(_("A term of the shard has another length than its chunks."))
        if xet_hash.verification_hash([chunk.hash for chunk in chunks]) != stated:
            raise InvalidShard(_("A verification hash of the shard does not fit its chunks."))
        leaves += [(chunk.hash, chunk.length) for chunk in chunks]
    if xet_hash.file_hash(leaves) != file.file_hash:
        raise InvalidShard(_("A file of the shard does not hash to its name."))
    size = sum(length for _hash, length in leaves)
    if size > LARGEST_FILE_BYTES:
        raise TooLarge(_("Files over 50 GB are not accepted by this server yet."))
    return PlannedFile(file.terms, size, file.sha256)


def _content(file: PlannedFile, xorbs: _SentXorbs) -> Iterator[bytes]:
    """Yields the file's bytes, a few MiB at a time."""
    waiting = bytearray()
    for term in file.terms:
        key = _key(xorbs.account, term.xorb_hash)
        for run in _runs(xorbs.chunks(term)):
            start = run[0].offset
            data = blob_store().read_staged(key, start, run[-1].offset + run[-1].stored_length - start)
            for chunk in run:
                waiting += chunk_bytes(data, _moved(chunk, start))
                if len(waiting) >= GIVEN_BYTES:
                    yield bytes(waiting)
                    waiting.clear()
    if waiting:
        yield bytes(waiting)


def _runs(chunks: list[XorbChunk]) -> Iterator[list[XorbChunk]]:
    """Cuts a term into neighbouring chunks that are read together."""
    run: list[XorbChunk] = []
    for chunk in chunks:
        if run and chunk.offset + chunk.stored_length - run[0].offset > READ_BYTES:
            yield run
            run = []
        run.append(chunk)
    if run:
        yield run


def _moved(chunk: XorbChunk, start: int) -> XorbChunk:
    return XorbChunk(chunk.hash, chunk.offset - start, chunk.stored_length, chunk.scheme, chunk.length)


def _row(chunk: XorbChunk) -> list[int | str]:
    return [chunk.offset, chunk.stored_length, chunk.scheme, chunk.length, chunk.hash.hex()]


def _chunk(row: list[int | str]) -> XorbChunk:
    offset, stored_length, scheme, length, digest = row
    return XorbChunk(bytes.fromhex(str(digest)), int(offset), int(stored_length), int(scheme), int(length))


def _key(account: User, xorb_hash: str) -> str:
    try:
        xet_hash.hash_bytes(xorb_hash)
    except ValueError:
        raise InvalidXorb(_("A xorb is named by 64 lower-case hexadecimal digits.")) from None
    return f"xorbs/{account.pk}/{xorb_hash}"
