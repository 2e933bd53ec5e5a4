"""Xorbs, shards and hashes, read from what the real hf_xet sends; then every way in which they can lie."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import lz4.frame
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidShard, InvalidXorb
from catalog.parsing import xet_hash
from catalog.parsing.shard import Shard
from catalog.parsing.xorb import MOST_CHUNK_BYTES, MOST_CHUNKS, XorbReader, chunk_bytes, read_xorb


@dataclass(frozen=True)
class Upload:
    """Three files of a real upload, and what the client sent for them."""

    contents: dict[str, bytes]  # by the client's own hash of the file
    xorbs: dict[str, bytes]
    shard: bytes


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Upload:
    folder = tmp_path_factory.mktemp("xet")
    (folder / "random.bin").write_bytes(np.random.default_rng(7).bytes(3_000_000))
    np.linspace(0, 1, 500_000, dtype=np.float32).tofile(folder / "floats.bin")  # compresses by grouping bytes
    (folder / "text.bin").write_bytes(b"plain words compress well\n" * 9_000)
    paths = sorted(folder.iterdir())
    out = folder / "out"
    out.mkdir()
    environment = os.environ | {"HF_HOME": str(folder / "hf"), "HF_XET_CACHE": str(folder / "hf" / "xet")}
    program = Path(__file__).with_name("recorded_upload.py")
    recorded = subprocess.run(
        [sys.executable, str(program), str(out), *map(str, paths)], env=environment, capture_output=True, check=True
    )
    hashes: dict[str, str] = json.loads(recorded.stdout)
    (shard,) = (out / "shards").iterdir()
    return Upload(
        contents={hashes[str(path)]: path.read_bytes() for path in paths},
        xorbs={path.name: path.read_bytes() for path in (out / "xorbs").iterdir()},
        shard=shard.read_bytes(),
    )


def test_every_chunk_of_a_real_upload_fits_its_hashes(upload: Upload) -> None:
    schemes = set()
    for name, data in upload.xorbs.items():
        xorb = read_xorb(data, name)
        schemes |= {chunk.scheme for chunk in xorb.chunks()}
        assert all(xet_hash.chunk_hash(chunk_bytes(data, chunk)) == chunk.hash for chunk in xorb.chunks())

    assert schemes == {0, 1, 2}


def test_a_real_shard_rebuilds_every_file(upload: Upload) -> None:
    xorbs = {name: (data, read_xorb(data, name)) for name, data in upload.xorbs.items()}

    shard = read_shard(upload.shard)

    assert {file.file_hash for file in shard.files} == upload.contents.keys()
    for file in shard.files:
        content = upload.contents[file.file_hash]
        terms = list(shard.terms(file))
        runs = [list(xorbs[term.xorb_hash][1].chunks(term.start, term.end)) for term, _ in terms]
        rebuilt = b"".join(
            chunk_bytes(xorbs[term.xorb_hash][0], chunk)
            for (term, _), run in zip(terms, runs, strict=True)
            for chunk in run
        )
        assert rebuilt == content
        assert sum(term.unpacked_length for term, _ in terms) == len(content)
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert [stated for _, stated in terms] == [xet_hash.verification_hash(one.hash for one in run) for run in runs]
        assert xet_hash.file_hash([(chunk.hash, chunk.length) for run in runs for chunk in run]) == file.file_hash


def test_a_real_shard_describes_its_xorbs(upload: Upload) -> None:
    described = {xorb.xorb_hash: (xorb.chunk_count, xorb.content_length) for xorb in read_shard(upload.shard).xorbs()}

    read = {name: read_xorb(data, name) for name, data in upload.xorbs.items()}
    assert described == {
        name: (len(table), sum(chunk.length for chunk in table.chunks())) for name, table in read.items()
    }


@given(st.binary(min_size=32, max_size=32))
def test_the_text_of_a_hash_is_read_back(raw: bytes) -> None:
    text = xet_hash.hash_text(raw)

    assert xet_hash.hash_bytes(text) == raw
    assert xet_hash.hash_text(bytes.fromhex(text)) == raw.hex()


def test_the_text_of_a_hash_is_printed_by_groups_of_eight() -> None:
    assert xet_hash.hash_text(bytes(range(32))).startswith("0706050403020100" + "0f0e")
    for text in ("", "0" * 63, "G" * 64, "A" * 64, "0" * 64 + "\n"):
        with pytest.raises(ValueError, match="64"):
            xet_hash.hash_bytes(text)


def test_the_hash_of_nothing_is_zero() -> None:
    assert xet_hash.file_hash([]) == "0" * 64
    assert xet_hash.tree_root([]) == bytes(32)


def test_one_chunk_is_its_own_root_and_order_matters() -> None:
    first, second = (xet_hash.chunk_hash(data) for data in (b"first", b"second"))

    assert xet_hash.tree_root([(first, 5)]) == first
    assert xet_hash.tree_root([(first, 5), (second, 6)]) != xet_hash.tree_root([(second, 6), (first, 5)])


def built(*chunks: bytes, scheme: int = 0, pack: Callable[[bytes], bytes] = bytes) -> tuple[bytes, str]:
    """A xorb of these contents, and its true name."""
    data = b""
    for plain in chunks:
        stored = pack(plain)
        data += b"\0" + len(stored).to_bytes(3, "little") + bytes([scheme]) + len(plain).to_bytes(3, "little") + stored
    root = xet_hash.tree_root([(xet_hash.chunk_hash(plain), len(plain)) for plain in chunks])
    return data, xet_hash.hash_text(root)


def grouped(plain: bytes) -> bytes:
    return b"".join(plain[position::4] for position in range(4))


def lz4_frame(plain: bytes) -> bytes:
    compressed: bytes = lz4.frame.compress(plain)
    return compressed


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=30), st.sampled_from([0, 1, 2]))
def test_every_xorb_reads_back(contents: list[bytes], scheme: int) -> None:
    packs: dict[int, Callable[[bytes], bytes]] = {0: bytes, 1: lz4_frame, 2: lambda plain: lz4_frame(grouped(plain))}
    pack = packs[scheme]
    data, name = built(*contents, scheme=scheme, pack=pack)

    xorb = read_xorb(memoryview(data), name)

    assert [chunk_bytes(data, chunk) for chunk in xorb.chunks()] == contents
    assert read_xorb(data + b"XETBLOB\x01 any footer", name) == xorb


GOOD, GOOD_NAME = built(b"some content")
BOMB = lz4_frame(bytes(16_000_000))
XORB_LIES = {
    "empty": b"",
    "only a footer": b"XETBLOB",
    "cut in a header": GOOD + b"\0\0",
    "cut in a chunk": GOOD[:-1],
    "other version": b"\x01" + GOOD[1:],
    "unknown scheme": GOOD[:4] + b"\x03" + GOOD[5:],
    "other content": GOOD[:-1] + b"X",
    "two lengths": GOOD[:5] + b"\x0b\0\0" + GOOD[8:],
    "empty chunk": bytes(8),
    "no frame": GOOD[:4] + b"\x01" + GOOD[5:],
    "a bomb": b"\0" + len(BOMB).to_bytes(3, "little") + b"\x01" + (100).to_bytes(3, "little") + BOMB,
    "frame and more": b"".join(
        (b"\0", (len(lz4_frame(b"x")) + 1).to_bytes(3, "little"), b"\x01\x01\0\0", lz4_frame(b"x"), b"!")
    ),
    "half a frame": b"".join((b"\0", (9).to_bytes(3, "little"), b"\x01\x64\0\0", lz4_frame(b"x" * 100)[:9])),
    "too many chunks": built(*[b"x"] * (MOST_CHUNKS + 1))[0],
    "too much content": (b"\0\x01\0\0\0" + b"\xff" * 3 + b"x") * 5,
}


@pytest.mark.parametrize("data", XORB_LIES.values(), ids=XORB_LIES.keys())
def test_a_xorb_that_lies_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(InvalidXorb, match=r"\.$"):
        read_xorb(data, GOOD_NAME)


def test_a_whole_xorb_under_another_name_is_refused() -> None:
    with pytest.raises(InvalidXorb, match="not to its name"):
        read_xorb(GOOD, "0" * 64)


def test_content_beyond_64_mib_is_refused() -> None:
    data, name = built(*[bytes(MOST_CHUNK_BYTES)] * 65, scheme=1, pack=lz4_frame)

    with pytest.raises(InvalidXorb, match="at most"):
        read_xorb(data, name)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 50, 1000])
def test_a_xorb_is_checked_however_it_is_cut_on_the_way(size: int) -> None:
    data, name = built(*(os.urandom(length) for length in (1, 40, 3, 900, 8, 5000)))
    data += b"XETBLOB"
    reader = XorbReader()
    buffer = bytearray(size)

    for start in range(0, len(data), size):
        piece = data[start : start + size]
        buffer[: len(piece)] = piece
        reader.feed(memoryview(buffer)[: len(piece)])

    assert reader.finish(name) == read_xorb(data, name)


def test_a_chunk_beyond_the_data_is_refused() -> None:
    (chunk,) = read_xorb(GOOD, GOOD_NAME).chunks()

    with pytest.raises(InvalidXorb):
        chunk_bytes(GOOD[:-1], chunk)


@settings(deadline=None)
@given(st.binary(max_size=100), st.booleans())
def test_no_bytes_break_the_xorb_reader(noise: bytes, after_a_chunk: bool) -> None:
    try:
        xorb = read_xorb(GOOD + noise if after_a_chunk else noise, GOOD_NAME)
    except InvalidXorb:
        return
    assert xorb == read_xorb(GOOD, GOOD_NAME)


def read_shard(data: bytes) -> Shard:
    """A shard, with all of its terms read once."""
    shard = Shard(io.BytesIO(data))
    for file in shard.files:
        list(shard.terms(file))
    return shard


def shard_header(version: int = 2) -> bytes:
    tag = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccd d14aa9".replace(" ", ""))
    return tag + struct.pack("<QQ", version, 0)


def file_entry(count: int, flags: int = 0) -> bytes:
    return bytes(32) + struct.pack("<II8x", flags, count)


def term_entry(start: int, end: int, length: int = 1) -> bytes:
    return bytes(32) + struct.pack("<IIII", 0, length, start, end)


BOOKEND = b"\xff" * 32 + bytes(16)
EMPTY = shard_header() + BOOKEND + BOOKEND
SHARD_LIES = {
    "empty": b"",
    "other tag": b"X" + EMPTY[1:],
    "other version": shard_header(3) + BOOKEND * 2,
    "no sections": shard_header(),
    "no xorb section": shard_header() + BOOKEND,
    "four billion terms": shard_header() + file_entry(2**32 - 1) + BOOKEND * 2,
    "missing verification": shard_header() + file_entry(1, 1 << 31) + term_entry(0, 1) + BOOKEND,
    "missing sha256": shard_header() + file_entry(1, 1 << 30) + term_entry(0, 1),
    "backward term": shard_header() + file_entry(1) + term_entry(2, 1) + BOOKEND * 2,
    "empty term": shard_header() + file_entry(1) + term_entry(0, 1, length=0) + BOOKEND * 2,
    "chunks without end": shard_header() + BOOKEND + bytes(32) + struct.pack("<IIII", 0, 99, 0, 0) + BOOKEND,
    "cut": EMPTY[:-1],
}


@pytest.mark.parametrize("data", SHARD_LIES.values(), ids=SHARD_LIES.keys())
def test_a_shard_that_lies_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(InvalidShard, match=r"\.$"):
        read_shard(data)


def test_a_shard_of_nothing_is_read_and_a_footer_ignored() -> None:
    for data in (EMPTY, EMPTY + bytes(200)):
        shard = read_shard(data)
        assert (shard.files, list(shard.xorbs())) == ([], [])


def test_a_real_shard_cut_anywhere_is_refused(upload: Upload) -> None:
    for length in range(0, len(upload.shard) - 1, 97):
        with pytest.raises(InvalidShard):
            read_shard(upload.shard[:length])


@given(st.binary(max_size=300))
def test_no_bytes_break_the_shard_reader(noise: bytes) -> None:
    try:
        shard = read_shard(shard_header() + noise + BOOKEND * 2)
    except InvalidShard:
        return
    assert isinstance(shard, Shard)
