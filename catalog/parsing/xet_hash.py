"""The hashes of the Xet protocol: of chunks, of the tree above them, of files and of terms.

A hash is 32 bytes. Its text is not plain hex: each group of 8 bytes is printed as one little-endian number.
Source: the published Xet protocol specification and xet-core, merklehash/src/aggregated_hashes.rs.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from blake3 import blake3

_TEXT = re.compile(r"[0-9a-f]{64}", re.ASCII)

_DATA_KEY: Final = bytes((
    102, 151, 245, 119, 91, 149, 80, 222, 49, 53, 203, 172, 165, 151, 24, 28,
    157, 228, 33, 16, 155, 235, 43, 88, 180, 208, 176, 75, 147, 173, 242, 41,
))  # fmt: skip
_INTERNAL_NODE_KEY: Final = bytes((
    1, 126, 197, 199, 165, 71, 41, 150, 253, 148, 102, 102, 180, 138, 2, 230,
    93, 221, 83, 111, 55, 199, 109, 210, 248, 99, 82, 230, 74, 83, 113, 63,
))  # fmt: skip
_VERIFICATION_KEY: Final = bytes((
    127, 24, 87, 214, 206, 86, 237, 102, 18, 127, 249, 19, 231, 165, 195, 243,
    164, 205, 38, 213, 181, 219, 73, 230, 65, 36, 152, 127, 40, 251, 148, 195,
))  # fmt: skip
_FILE_KEY: Final = bytes(32)
_MEAN_BRANCHES = 4
_LEAST_CUT = 3  # a group may end after its third child
_MOST_BRANCHES = 2 * _MEAN_BRANCHES + 1

_NUMBERS = struct.Struct("<4Q")

Node = tuple[bytes, int]  # hash and the number of file bytes below it


def hash_text(raw: bytes) -> str:
    """The text form of 32 bytes, as in paths and JSON. Applied to a sha256 of a shard: its ordinary hex."""
    return "%016x%016x%016x%016x" % _NUMBERS.unpack(raw)  # noqa: UP031  three times as fast, once for each chunk


def hash_bytes(text: str) -> bytes:
    """The 32 bytes of a text form. Raises `ValueError` when it is none."""
    if not _TEXT.fullmatch(text):
        raise ValueError("a Xet hash has 64 lower-case hex digits")
    raw = bytes.fromhex(text)
    return b"".join(raw[at : at + 8][::-1] for at in range(0, 32, 8))


def chunk_hash(data: bytes | bytearray | memoryview) -> bytes:
    """The hash of one uncompressed chunk."""
    return blake3(data, key=_DATA_KEY).digest()


class Tree:
    """The tree above chunks that are added one by one, in memory that grows with its height alone."""

    def __init__(self) -> None:
        self.size = 0  # bytes of content
        self._levels: list[list[Node]] = [[]]  # of each level the last group, still open

    def add(self, digest: bytes, length: int) -> None:
        self.size += length
        self._push(0, (digest, length))

    def root(self) -> bytes:
        """The root of what was added, once all is; of nothing it is 32 zero bytes."""
        if not self.size:
            return bytes(32)
        at = 0
        while at < len(self._levels) - 1:  # there are groups above: what is open here is one more
            self._close(at)
            at += 1
        top = self._levels[-1]
        return top[0][0] if len(top) == 1 else _parent(top)[0]

    def file_hash(self) -> str:
        """The name of a file of this content, as text."""
        return hash_text(blake3(self.root(), key=_FILE_KEY).digest()) if self.size else "0" * 64

    def _push(self, at: int, node: Node) -> None:
        if at == len(self._levels):
            self._levels.append([])
        group = self._levels[at]
        group.append(node)
        may_end = len(group) >= _LEAST_CUT and int.from_bytes(node[0][24:], "little") % _MEAN_BRANCHES == 0
        if may_end or len(group) == _MOST_BRANCHES:
            self._close(at)

    def _close(self, at: int) -> None:
        group, self._levels[at] = self._levels[at], []
        if group:
            self._push(at + 1, _parent(group))


def tree_root(leaves: Iterable[Node]) -> bytes:
    """The root above chunks, in order; of a xorb's chunks it is the xorb's hash. Of none it is 32 zero bytes."""
    return _tree(leaves).root()


def file_hash(leaves: Iterable[Node]) -> str:
    """The name of a file made of these chunks, as text."""
    return _tree(leaves).file_hash()


def verification_hash(chunk_hashes: Iterable[bytes]) -> str:
    """What proves that the sender of a term knows the chunks it names, as text."""
    return hash_text(blake3(b"".join(chunk_hashes), key=_VERIFICATION_KEY).digest())


def _tree(leaves: Iterable[Node]) -> Tree:
    tree = Tree()
    for digest, length in leaves:
        tree.add(digest, length)
    return tree


def _parent(children: Sequence[Node]) -> Node:
    lines = "".join(f"{hash_text(digest)} : {length}\n" for digest, length in children)
    return blake3(lines.encode(), key=_INTERNAL_NODE_KEY).digest(), sum(length for _, length in children)
