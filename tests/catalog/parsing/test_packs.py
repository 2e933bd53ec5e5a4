"""Packs and pkt-lines: what git writes is read, what lies or never ends is refused within bounds."""

import hashlib
import io
import itertools
import subprocess
import tempfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import BadInput, CatalogError, TooLarge
from catalog.parsing import pack_writing, pkt_line
from catalog.parsing.git_delta import apply_delta, delta_between
from catalog.parsing.pack_reading import BLOB, COMMIT, TREE, Limits, Pack
from catalog.parsing.pack_writing import PackObject
from catalog.parsing.pkt_line import Band, Marker

LIMITS = Limits(objects=1000, inflated_bytes=1_000_000, object_bytes=100_000)


def read(data, limits=LIMITS):
    """Returns binary id → (kind, content) of a pack."""
    with tempfile.TemporaryFile() as pack, tempfile.TemporaryFile() as worked_out:
        pack.write(data)
        pack.flush()
        found = Pack.read(pack, worked_out, limits)
        return {oid: (one.kind, found.content(oid)) for oid, one in found.objects.items()}


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).digest()


def size_bytes(size):
    groups = bytearray()
    while True:
        groups.append(size & 0x7F)
        size >>= 7
        if not size:
            return bytes(groups)
        groups[-1] |= 0x80


def entry(kind, content, *, size=None, base=b"", deflated=None):
    """One object as it stands in a pack; `size` and `deflated` may lie."""
    size = len(content) if size is None else size
    head = bytearray([(kind << 4) | (size & 15)])
    if size >> 4:
        head[0] |= 0x80
        head += size_bytes(size >> 4)
    return bytes(head) + base + (zlib.compress(content) if deflated is None else deflated)


def pack_of(*entries, count=None):
    body = b"PACK" + (2).to_bytes(4, "big") + (len(entries) if count is None else count).to_bytes(4, "big")
    body += b"".join(entries)
    return body + hashlib.sha1(body).digest()


def delta(base_size, size, *commands):
    return size_bytes(base_size) + size_bytes(size) + b"".join(commands)


def insert(data):
    return bytes([len(data)]) + data


COPY_ALL_OF_5 = bytes([0x80 | 0x10, 5])


@pytest.mark.parametrize("algorithm", ["--no-reuse-delta --window=50", "--window=0", "--delta-base-offset --depth=50"])
def test_packs_that_git_writes_are_read_whole(tmp_path, algorithm):
    def git(*arguments, **options):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, **options).stdout

    git("init", "-q")
    lines = [f"line {number} {number * 7919}" for number in range(400)]
    for step in range(12):
        lines[step * 30] = f"changed {step}"
        (tmp_path / "long.txt").write_text("\n".join(lines))
        (tmp_path / f"{step}.txt").write_text(str(step))
        git("add", ".")
        git("commit", "-qm", f"step {step}")
    names = git("rev-list", "--objects", "--all", "--no-object-names")
    data = git("pack-objects", "--stdout", *algorithm.split(), input=names)

    found = read(data)

    assert {oid.hex() for oid in found} == set(names.decode().split())
    for oid, (kind, content) in found.items():
        name = {COMMIT: "commit", TREE: "tree", BLOB: "blob"}[kind]
        assert hashlib.sha1(f"{name} {len(content)}\0".encode() + content).digest() == oid


def test_what_is_written_git_can_read(tmp_path):
    base, text = b"a text that is long enough to be a base", b"another one"
    more = delta(len(base), len(base) + 4, bytes([0x90, len(base)]), insert(b"more"))
    objects = [
        PackObject(BLOB, len(base), [base[:5], base[5:]]),
        PackObject(BLOB, len(text), [text]),
        PackObject(BLOB, len(more), [more], base=blob_id(base)),
        PackObject(BLOB, 0, []),
    ]
    subprocess.run(["git", "init", "-q", "--bare", tmp_path], check=True)

    data = b"".join(pack_writing.written(4, objects))

    subprocess.run(
        ["git", "index-pack", "--stdin", "--strict"], cwd=tmp_path, input=data, check=True, capture_output=True
    )
    shown = subprocess.run(
        ["git", "cat-file", "blob", blob_id(base + b"more").hex()], cwd=tmp_path, check=True, capture_output=True
    )
    assert shown.stdout == base + b"more"


def test_a_stream_that_does_not_keep_its_word_breaks_off():
    with pytest.raises(ValueError, match="3 bytes where 4"):
        list(pack_writing.written(1, [PackObject(BLOB, 4, [b"abc"])]))
    with pytest.raises(ValueError, match="1 objects were written where 2"):
        list(pack_writing.written(2, [PackObject(BLOB, 3, [b"abc"])]))


def test_long_chains_of_deltas_are_worked_out_one_by_one():
    """Each object builds on the one before: held together they would be larger than the limit of one object."""
    entries, content = [entry(BLOB, b"x" * 50_000)], b"x" * 50_000
    for number in range(15):
        longer = content[:-4] + b"%04d" % number
        made = delta(50_000, 50_000, bytes([0x80 | 0x10 | 0x20, *(49_996).to_bytes(2, "little")]), insert(longer[-4:]))
        entries.append(entry(7, made, base=blob_id(content)))
        content = longer

    found = read(pack_of(*reversed(entries)))

    assert len(found) == 16
    assert found[blob_id(content)] == (BLOB, content)


BASE = b"12345"
ONE_MEGABYTE_DEFLATED = zlib.compress(bytes(1_000_001))
HOSTILE = {
    "no pack at all": (b"hello world, this is not a pack", BadInput),
    "empty": (b"", BadInput),
    "a wrong checksum": (pack_of(entry(BLOB, BASE))[:-1] + b"!", BadInput),
    "more objects announced than sent": (pack_of(entry(BLOB, BASE), count=2), BadInput),
    "fewer objects announced than sent": (pack_of(entry(BLOB, BASE), entry(BLOB, BASE), count=1), BadInput),
    "four billion objects announced": (pack_of(entry(BLOB, BASE), count=2**32 - 1), TooLarge),
    "an unknown kind": (pack_of(entry(5, BASE)), BadInput),
    "a kind that is reserved": (pack_of(entry(0, BASE)), BadInput),
    "longer than announced": (pack_of(entry(BLOB, BASE, size=4)), BadInput),
    "shorter than announced": (pack_of(entry(BLOB, BASE, size=6)), BadInput),
    "a bomb behind a small size": (pack_of(entry(BLOB, b"", size=10, deflated=ONE_MEGABYTE_DEFLATED)), BadInput),
    "a bomb that says so": (pack_of(entry(BLOB, bytes(1_000_001))), TooLarge),
    "many small bombs": (pack_of(*[entry(BLOB, bytes(99_000))] * 11), TooLarge),
    "a size without an end": (pack_of(b"\xff" * 60), BadInput),
    "no deflate": (pack_of(entry(BLOB, BASE, deflated=b"\x00" * 30)), BadInput),
    "cut off": (pack_of(entry(BLOB, BASE * 100)[:-6]), BadInput),
    "a base that is not there": (pack_of(entry(7, delta(5, 5, COPY_ALL_OF_5), base=bytes(20))), BadInput),
    "a base before the pack": (pack_of(entry(6, delta(5, 5, COPY_ALL_OF_5), base=b"\x7f")), BadInput),
    "a delta on itself": (pack_of(entry(6, delta(5, 5, COPY_ALL_OF_5), base=b"\x00")), BadInput),
    "two deltas on each other": (
        pack_of(
            entry(7, delta(5, 5, COPY_ALL_OF_5), base=blob_id(b"b")),
            entry(7, delta(5, 5, COPY_ALL_OF_5), base=blob_id(b"a")),
        ),
        BadInput,
    ),
    "a delta for another base": (
        pack_of(entry(BLOB, BASE), entry(7, delta(6, 5, COPY_ALL_OF_5), base=blob_id(BASE))),
        BadInput,
    ),
    "a delta that explodes": (
        pack_of(entry(BLOB, BASE), entry(7, delta(5, 10**9, *[COPY_ALL_OF_5] * 9), base=blob_id(BASE))),
        BadInput,
    ),
    "a delta that makes more than it says": (
        pack_of(entry(BLOB, BASE), entry(7, delta(5, 7, COPY_ALL_OF_5, COPY_ALL_OF_5), base=blob_id(BASE))),
        BadInput,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_packs_are_refused(name):
    data, problem = HOSTILE[name]

    with pytest.raises(problem):
        read(data)


def test_a_reserved_instruction_and_a_reach_beyond_the_base_are_refused():
    for commands in (b"\x00", bytes([0x90, 6]), bytes([0x91, 4, 5]), insert(b"abc")[:-1], bytes([0x90])):
        with pytest.raises(BadInput):
            apply_delta(BASE, delta(5, 6, commands), most_bytes=100)


def test_objects_too_large_to_hold_are_named_but_not_read():
    large = bytes(200_000)

    with tempfile.TemporaryFile() as pack, tempfile.TemporaryFile() as worked_out:
        pack.write(pack_of(entry(BLOB, large), entry(7, delta(200_000, 5, insert(BASE)), base=blob_id(large))))
        pack.flush()
        found = Pack.read(pack, worked_out, LIMITS)

    assert found.objects[blob_id(large)].size == 200_000
    assert found.has_unread
    with pytest.raises(TooLarge):
        found.content(blob_id(large))


@settings(deadline=1000, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 300).map(lambda size: b"%d" % size * size), min_size=1, max_size=12), st.data())
def test_a_delta_between_rows_leads_from_the_one_to_the_other(rows, data):
    some = st.lists(st.integers(0, len(rows) - 1), unique=True).map(sorted)
    old, new = data.draw(some), data.draw(some)

    made = delta_between(rows, old, new)

    base, wanted = (b"".join(rows[index] for index in chosen) for chosen in (old, new))
    assert apply_delta(base, made, most_bytes=100_000) == wanted


WHOLE = pack_of(
    entry(BLOB, BASE), entry(TREE, b""), entry(7, delta(5, 8, COPY_ALL_OF_5, insert(b"678")), base=blob_id(BASE))
)


@settings(max_examples=300, deadline=1000)
@given(data=st.data())
def test_damaged_packs_are_read_or_refused_never_worse(data):
    damaged = bytearray(WHOLE[:-20])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(damaged))) :]

    try:
        found = read(bytes(damaged) + hashlib.sha1(damaged).digest())
    except CatalogError:
        return

    assert all(isinstance(content, bytes) for _kind, content in found.values())


@settings(max_examples=300, deadline=1000)
@given(st.binary(max_size=200))
def test_any_bytes_are_pkt_lines_or_refused(data):
    source = io.BytesIO(data)

    try:
        packets = list(
            itertools.takewhile(lambda one: one is not None, iter(lambda: pkt_line.read_packet(source), b""))
        )
    except BadInput:
        return

    assert all(isinstance(one, bytes | Marker) for one in packets)


@given(st.lists(st.binary(min_size=1, max_size=5000), max_size=30), st.integers(6, 1000))
def test_bands_carry_a_stream_in_packets_of_the_agreed_size(chunks, longest):
    sent = b"".join(pkt_line.banded(Band.DATA, chunks, longest))

    source, carried = io.BytesIO(sent), b""
    while isinstance(one := pkt_line.read_packet(source), bytes):
        assert one[0] == 1
        assert len(one) + 4 <= longest
        carried += one[1:]
    assert carried == b"".join(chunks)


def test_a_section_is_read_up_to_its_limit():
    lines = pkt_line.packet("want a\n") + pkt_line.packet("want b") + pkt_line.FLUSH + b"PACK"
    source = io.BytesIO(lines)

    assert pkt_line.read_section(source, most_bytes=100) == [b"want a", b"want b"]
    assert source.read() == b"PACK"
    for broken in (b"00", b"zzzz", b"0003", b"fff1" + bytes(10), b"0009ab"):
        with pytest.raises(BadInput):
            pkt_line.read_section(io.BytesIO(broken), most_bytes=100)
    with pytest.raises(BadInput, match="longer than"):
        pkt_line.read_section(io.BytesIO(lines), most_bytes=12)
