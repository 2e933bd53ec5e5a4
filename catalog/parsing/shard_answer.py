"""Shards as we answer them: which chunks xorbs hold, told only to those who know the chunks (hub-api 17.6).

Each chunk's hash is replaced by its HMAC under a key in the footer. Whoever has a chunk finds it; nobody learns from
the answer the hash of a chunk they lack, and without the hashes no file can be made of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from blake3 import blake3

from catalog.parsing.chunk_table import ChunkTable
from catalog.parsing.shard import BOOKEND_ENTRY, ENTRY_BYTES, TAG, VERSION
from catalog.parsing.xet_hash import hash_bytes

_FOOTER_VERSION: Final = 1
_HEADER = struct.Struct("<32sQQ")
_XORB = struct.Struct("<32sIIII")
_CHUNK = struct.Struct("<32sII8x")
_FOOTER = struct.Struct("<QQQ6Q32sQQ72xQ")


def shard_answer(xorbs: Iterable[tuple[str, ChunkTable, int]], *, key: bytes, made_at: int, expires_at: int) -> bytes:
    """Returns a shard without files.

    Args:
        xorbs: name, chunks and stored size of each.
        key: 32 bytes.
        made_at, expires_at: unix seconds; clients use the answer until the latter.
    """
    body = bytearray(_HEADER.pack(TAG, VERSION, _FOOTER.size))
    body += BOOKEND_ENTRY  # no files
    for name, table, stored_bytes in xorbs:
        body += _described(name, table, stored_bytes, key)
    body += BOOKEND_ENTRY
    files_at, xorbs_at, end = _HEADER.size, _HEADER.size + ENTRY_BYTES, len(body)
    # Reserved by the specification; hf_xet 1.8 looks here for the place and length of three tables, and reserves memory
    # for as many chunks as lie between `xorbs_at` and the second of them: zeros make it abort (seen).
    tables = (end, 0) * 3
    return bytes(body) + _FOOTER.pack(_FOOTER_VERSION, files_at, xorbs_at, *tables, key, made_at, expires_at, end)


def answer_bytes(table: ChunkTable) -> int:
    """How many bytes a xorb adds to an answer."""
    return ENTRY_BYTES * (1 + len(table))


def _described(name: str, table: ChunkTable, stored_bytes: int, key: bytes) -> bytes:
    entries, at = bytearray(), 0
    for digest, length in table.nodes(0, len(table)):
        entries += _CHUNK.pack(blake3(digest, key=key).digest(), at, length)
        at += length
    return _XORB.pack(hash_bytes(name), 0, len(table), at, stored_bytes) + entries
