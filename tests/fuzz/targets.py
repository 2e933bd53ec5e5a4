"""One target for each parser of bytes that strangers send: it may refuse with an error of ours, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from catalog.errors import CatalogError
from catalog.hub_api.ndjson import Operations
from catalog.models import Blob
from catalog.parsing.card import parse_card
from catalog.parsing.gguf import read_gguf_header
from catalog.parsing.git_delta import apply_delta
from catalog.parsing.pkt_line import read_section
from catalog.parsing.safetensors import read_header, shards_of
from catalog.parsing.shard import TAG as SHARD_TAG
from catalog.parsing.shard import Shard
from catalog.parsing.shard_answer import shard_answer
from catalog.parsing.xorb import read_xorb
from tests.catalog.hub_api.xet_bytes import TermMade, shard_of, xorb_of

Target = Callable[[bytes], None]
XORB_MAGIC: Final = b"XETBLOB"
PLAIN_XORB: Final = xorb_of(b"abcd", b"efghijkl", compressed=False)
LZ4_XORB: Final = xorb_of(b"word " * 30, b"other " * 9)


def _at(data: bytes) -> Callable[[int, int], bytes]:
    return lambda start, length: data[start : start + length]


def xorb(data: bytes) -> None:
    read_xorb(data, "0" * 64)


def shard(data: bytes) -> None:
    found = Shard(io.BytesIO(data))
    for file in found.files:
        list(found.terms(file))
    list(found.xorbs())


def safetensors(data: bytes) -> None:
    read_header(_at(data), len(data))


def safetensors_index(data: bytes) -> None:
    shards_of(data)


def gguf(data: bytes) -> None:
    read_gguf_header(_at(data), len(data))


def _keep(content: Iterator[bytes]) -> Blob:
    return Blob(sha256="0" * 64, size=sum(len(piece) for piece in content))


def commit_lines(data: bytes) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(data), 7):
            yield data[start : start + 7]

    list(Operations(pieces(), _keep))


def pkt_lines(data: bytes) -> None:
    read_section(io.BytesIO(data), most_bytes=4_096)


def delta(data: bytes) -> None:
    apply_delta(b"the base of the delta" * 4, data, most_bytes=4_096)


def card(data: bytes) -> None:
    parse_card(data)


TARGETS: Final[dict[str, Target]] = {
    one.__name__: one
    for one in (xorb, shard, safetensors, safetensors_index, gguf, commit_lines, pkt_lines, delta, card)
}
# Openings that lead past the first check, so that the rest of a parser is met as well.
OPENINGS: Final[dict[str, tuple[bytes, ...]]] = {
    "xorb": (PLAIN_XORB.body, LZ4_XORB.body, LZ4_XORB.body + XORB_MAGIC, b"\x00\x08\x00\x00\x02\x10\x00\x00"),
    "shard": (
        shard_of(TermMade(LZ4_XORB, 0, 1), TermMade(PLAIN_XORB, 0, 2), sha256="0" * 64),
        shard_of(TermMade(PLAIN_XORB, 1, 2), sha256=None, with_verification=False),
        shard_answer(
            [("0" * 64, read_xorb(PLAIN_XORB.body, PLAIN_XORB.name), 9)], key=b"k" * 32, made_at=1, expires_at=2
        ),
        SHARD_TAG + (2).to_bytes(8, "little") + bytes(8),
    ),
    "safetensors": (b'\x40\x00\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',),
    "safetensors_index": (b'{"weight_map": {"a": "b.safetensors"}}',),
    "gguf": (b"GGUF\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00",),
    "commit_lines": (b'{"key":"header","value":{"summary":"s"}}\n{"key":"file","value":{"path":"a","content":"',),
    "pkt_lines": (b"0009done\n0000", b"0008NAK\n"),
    "delta": (b"\x54\x05\x90\x05", b"\x54\x04\x04abcd"),
    "card": (b"---\nlicense: mit\ntags: [a, b]\nmodel-index:\n- name: x\n  results: ",),
}


def feed(name: str, data: bytes) -> None:
    """Run one target; anything but a `CatalogError` is a finding and goes up."""
    with suppress(CatalogError):
        TARGETS[name](data)
