"""Xorbs and shards as hf_xet builds them (hub-api 17.4, 17.6), with room for lies."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import lz4.frame

from catalog.parsing import xet_hash

TAG = b"HFRepoMetaData\0" + bytes.fromhex("5569 6745 6a7b 8157 83a5 bdd9 5ccd d14a a9")
BOOKEND = b"\xff" * 32 + bytes(16)
ZERO = bytes(32)


@dataclass(frozen=True)
class XorbMade:
    """A xorb and the chunks it was made of."""

    parts: tuple[bytes, ...]
    body: bytes

    @property
    def leaves(self) -> list[tuple[bytes, int]]:
        return [(xet_hash.chunk_hash(part), len(part)) for part in self.parts]

    @property
    def name(self) -> str:
        return xet_hash.hash_text(xet_hash.tree_root(self.leaves))


@dataclass(frozen=True)
class TermMade:
    xorb: XorbMade
    start: int
    end: int
    length: int | None = None  # None: the true one

    @property
    def leaves(self) -> list[tuple[bytes, int]]:
        return self.xorb.leaves[self.start : self.end]


def xorb_of(*parts: bytes, compressed: bool = True) -> XorbMade:
    body = b""
    for part in parts:
        stored = lz4.frame.compress(part) if compressed else part
        header = bytes([0]) + len(stored).to_bytes(3, "little") + bytes([int(compressed)])
        body += header + len(part).to_bytes(3, "little") + stored
    return XorbMade(parts, body)


def shard_of(*terms: TermMade, sha256: str | None, **lies: object) -> bytes:
    """One file made of these terms. `lies`: name, verification, with_verification."""
    leaves = [leaf for term in terms for leaf in term.leaves]
    name = str(lies.get("name") or xet_hash.file_hash(leaves))
    has_verification = lies.get("with_verification", True)
    flags = (1 << 31 if has_verification else 0) | (1 << 30 if sha256 else 0)
    body = TAG + struct.pack("<QQ", 2, 0)
    body += xet_hash.hash_bytes(name) + struct.pack("<II8x", flags, len(terms))
    for term in terms:
        length = term.length if term.length is not None else sum(size for _, size in term.leaves)
        body += xet_hash.hash_bytes(term.xorb.name) + struct.pack("<IIII", 0, length, term.start, term.end)
    if has_verification:
        for term in terms:
            stated = lies.get("verification") or xet_hash.verification_hash([digest for digest, _ in term.leaves])
            body += xet_hash.hash_bytes(str(stated)) + bytes(16)
    if sha256:
        body += xet_hash.hash_bytes(sha256) + bytes(16)
    return body + BOOKEND + BOOKEND
