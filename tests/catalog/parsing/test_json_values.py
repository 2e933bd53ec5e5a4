"""JSON from files of strangers: exact, bounded, storable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import BadMetadata
from catalog.parsing.json_values import read_json

REFUSED = [b"", b"{", b"\xff", b'{"a":1,"a":2}', b"[NaN]", b"[Infinity]", b"[1e999]", b"9" * 401, b"[" * 65 + b"]" * 65]
REFUSED += [b"[" * 100_000, b'{"a":' * 100_000]


@pytest.mark.parametrize("data", REFUSED)
def test_what_is_not_exact_json_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(BadMetadata, match=r"^x\.json .*\.$"):
        read_json(data, what="x.json")


def test_text_that_a_database_refuses_is_left_out() -> None:
    assert read_json(b'\xef\xbb\xbf{"a\\u0000": "\\ud800b", "c": ["\\u0000"]}', what="x.json") == {"a": "?b", "c": [""]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("ab é"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
)


@given(VALUES)
def test_every_value_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    assert read_json(json.dumps(value), what="x.json") == value
