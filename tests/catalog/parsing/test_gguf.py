"""GGUF headers: what the gguf library writes is read, what lies is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import BadMetadata
from catalog.parsing.gguf import GgufHeader, read_gguf_header


def read(data: bytes) -> GgufHeader:
    return read_gguf_header(lambda offset, length: data[offset : offset + length], len(data))


@pytest.fixture
def written(tmp_path: Path) -> bytes:
    """A small file of the library itself."""
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_chat_template("{{ messages }}")
    writer.add_token_list([f"token{number}" for number in range(30_000)])
    writer.add_float32("x.nan", float("nan"))
    writer.add_bool("x.yes", True)
    writer.add_tensor("a", np.zeros((4, 8), np.float32))
    writer.add_tensor("b", np.zeros((2, 34), np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_a_file_of_the_library_is_read(written: bytes) -> None:
    header = read(written)

    assert (header.architecture, header.context_length, header.tensor_count) == ("llama", 4096, 2)
    assert header.parameters == {"F32": 32, "Q8_0": 64}
    assert header.total == 96
    assert header.metadata["tokenizer.ggml.tokens"] == {"length": 30_000}
    assert header.metadata["tokenizer.chat_template"] == "{{ messages }}"
    assert header.metadata["x.nan"] is None
    assert header.metadata["x.yes"] is True


def test_a_file_cut_anywhere_is_refused(written: bytes) -> None:
    for length in [*range(0, 400, 7), len(written) // 2, len(written) - 64]:
        with pytest.raises(BadMetadata):
            read(written[:length])


def lie(*, fields: bytes = b"", field_count: int = 0, tensors: bytes = b"", tensor_count: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensor_count, field_count) + fields + tensors


def name(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def tensor(*lengths: int, offset: int = 0, kind: int = 0) -> bytes:
    return name(b"t") + struct.pack(f"<I{len(lengths)}QIQ", len(lengths), *lengths, kind, offset)


LIES = {
    "not gguf": b"GGML" + bytes(40),
    "version 1": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "a million tensors": lie(tensor_count=10**6),
    "fields without end": lie(field_count=2**63),
    "a name of exabytes": lie(field_count=1, fields=struct.pack("<Q", 2**60) + b"x"),
    "an array of exabytes": lie(field_count=1, fields=name(b"a") + struct.pack("<IIQ", 9, 10, 2**60)),
    "arrays in arrays": lie(field_count=1, fields=name(b"a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 20),
    "unknown value type": lie(field_count=1, fields=name(b"a") + struct.pack("<I", 99)),
    "a field twice": lie(field_count=2, fields=(name(b"a") + struct.pack("<IB", 0, 1)) * 2),
    "odd alignment": lie(
        field_count=1, fields=name(b"general.alignment") + struct.pack("<II", 4, 3), tensor_count=1, tensors=tensor(1)
    ),
    "a tensor twice": lie(tensor_count=2, tensors=tensor(1) * 2) + bytes(99),
    "too many dimensions": lie(tensor_count=1, tensors=tensor(*[1] * 9)),
    "product wraps around": lie(tensor_count=1, tensors=tensor(2**32, 2**32)),
    "more elements than bytes": lie(tensor_count=1, tensors=tensor(1000)),
    "offset behind the end": lie(tensor_count=1, tensors=tensor(1, offset=2**40)),
    "offset between": lie(tensor_count=1, tensors=tensor(1, offset=1)) + bytes(99),
    "half a block": lie(tensor_count=1, tensors=tensor(31, kind=8)) + bytes(99),
}


@pytest.mark.parametrize("data", LIES.values(), ids=LIES.keys())
def test_a_header_that_lies_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(BadMetadata, match=r"\.$"):
        read(data)


@given(st.binary(max_size=300), st.integers(0, 5), st.integers(0, 5))
def test_no_bytes_break_the_reader(noise: bytes, fields: int, tensors: int) -> None:
    try:
        header = read(lie(field_count=fields, tensor_count=tensors) + noise)
    except BadMetadata:
        return
    assert header.tensor_count == tensors
