"""The few chunks by which clients ask whether something was sent before (hub-api 17.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from catalog.models import MarkedChunk, StagedXorb
from catalog.parsing.chunk_table import ChunkTable
from catalog.parsing.xet_hash import hash_text

ASKED_MODULUS: Final = 1024  # clients ask for chunks whose hash this divides, and for the first chunk of a file


def marks_of(table: ChunkTable) -> set[str]:
    """The hashes of a xorb's chunks to be found by: its first, where a file often begins, and one in a thousand."""
    asked = {hash_text(digest) for digest, _length in table.nodes(0, len(table)) if _is_asked_for(digest)}
    return asked | {hash_text(digest) for digest, _length in table.nodes(0, 1)}


def mark(chunks: Iterable[tuple[str, StagedXorb]]) -> None:
    """Note that these chunks lie in these xorbs of one account; the caller has locked their rows."""
    newest = dict(chunks)
    rows = [
        MarkedChunk(account_id=xorb.account_id, chunk_hash=chunk_hash, xorb=xorb)
        for chunk_hash, xorb in sorted(
            newest.items(), key=lambda one: one[0]
        )  # in one order, so that nobody waits in a ring
    ]
    MarkedChunk.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["account", "chunk_hash"], update_fields=["xorb"]
    )


def _is_asked_for(digest: bytes) -> bool:
    return int.from_bytes(digest[24:], "little") % ASKED_MODULUS == 0
