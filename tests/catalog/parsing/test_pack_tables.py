"""What a pack holds costs little memory, and is found again."""

from __future__ import annotations

import hashlib
import tempfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.parsing.pack_reading import BLOB, TREE, Limits, Pack
from catalog.parsing.pack_tables import NONE, Delta, EntryTable, Found, NameTable, ObjectTable
from tests.catalog.parsing.test_packs import COPY_ALL_OF_5, blob_id, delta, entry, insert, pack_of

OBJECTS = 20_000


def ids(count):
    return [hashlib.sha1(b"%d" % number).digest() for number in range(count)]


@given(st.lists(st.binary(min_size=20, max_size=20)))
def test_names_keep_the_number_they_first_got(names):
    table, expected = NameTable(), {}

    for name in names:
        assert table.number(name) == expected.get(name)
        assert table.add(name) == expected.setdefault(name, len(expected))

    assert len(table) == len(expected)
    assert [table.name(number) for number in range(len(table))] == list(expected)
    assert table.number(b"?" * 20) == expected.get(b"?" * 20)


def test_objects_are_what_was_first_said_of_them():
    table, (first, second, absent) = ObjectTable(), ids(3)
    large = Found(TREE, 2**34, 2**35, is_worked_out=True)

    assert table.add(first, Found(BLOB, 1, 2, is_worked_out=False)) == 0
    assert table.add(second, large) == 1
    assert table.add(first, large) == 0

    assert dict(table.items()) == {first: Found(BLOB, 1, 2, is_worked_out=False), second: large}
    assert list(table.of_kind(TREE)) == [second]
    assert (first in table, absent in table, table.get(absent)) == (True, False, None)
    with pytest.raises(KeyError):
        table[absent]


def test_deltas_wait_for_an_entry_or_a_name_and_are_taken_once():
    entries, (name, other) = EntryTable(), ids(2)
    entries.add(12, 0)
    for offset, base in ((40, 0), (60, name), (90, 1), (99, 0), (120, other)):
        entries.add_delta(offset, Delta(size=7, at=offset + 3), base)

    assert [entries.at_offset(offset) for offset in (12, 40, 41, 120, 121)] == [0, 1, None, 5, None]
    assert sorted(entries.take(0, name)) == [1, 2, 4]
    assert entries.take(0, name) == []
    assert (entries.waiting, entries.object_of(3), entries.delta(3)) == (2, NONE, Delta(7, 93))


def test_an_object_of_a_push_costs_some_fifty_bytes():
    """In dictionaries it were over 300, and a push of a hundred thousand files came near the limit of a process."""
    entries = [entry(BLOB, b"bases")]
    for number in range(1, OBJECTS):
        content = b"%05d" % number
        made = delta(5, 10, COPY_ALL_OF_5, insert(content))
        entries.append(entry(BLOB, content) if number % 2 else entry(7, made, base=blob_id(b"bases")))
    with tempfile.TemporaryFile() as pack, tempfile.TemporaryFile() as worked_out:
        pack.write(pack_of(*entries))
        pack.flush()
        entries.clear()
        tracemalloc.start()
        found = Pack.read(pack, worked_out, Limits(OBJECTS, 10**9, 10**6))
        kept, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert len(found.objects) == OBJECTS
    assert kept / OBJECTS < 60
    assert most / OBJECTS < 150
